package frontend

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"newsfeed/internal/web"
)

// guardedSite is the front end before an event bus that has no token, or the one
// that everyone knows, and answers 200 to what it lets through. Both are on loopback.
func guardedSite(t *testing.T, tokens web.Tokens) (addr string) {
	t.Helper()
	bus := web.NewRouter(slog.New(slog.DiscardHandler))
	bus.Handle("GET", "/streams", web.Guard("BUS_TOKEN", tokens, func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusOK)
		return nil
	}))
	behind := httptest.NewServer(bus)
	t.Cleanup(behind.Close)
	front := httptest.NewServer(newServer(t, built(), Config{EventBusURL: Upstream(behind.URL)}))
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}

// send writes a request as it is and returns the status and type of the answer.
func send(t *testing.T, addr, raw string) (status int, contentType string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode, res.Header.Get("Content-Type")
}

// What comes to the event bus through the front end opens nothing that it would not
// open directly, whatever the request says of its way.
func TestProxy_EventBus_NamesOfOthersAreNotLost(t *testing.T) {
	const path = "/api/eventbus/streams"
	tests := []struct {
		name, line, headers string
		status              int // of the bus with no token, and with the one that everyone knows
	}{
		{"this machine", "GET " + path + " HTTP/1.1", "Host: localhost\r\n", 200},
		{"for this machine", "GET " + path + " HTTP/1.1", "Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n", 200},
		{"absolute form, Host ignored", "GET http://localhost" + path + " HTTP/1.1", "Host: evil.example\r\n", 200},
		{"absolute form of another", "GET http://evil.example" + path + " HTTP/1.1", "Host: localhost\r\n", 403},
		{"foreign Host", "GET " + path + " HTTP/1.1", "Host: evil.example\r\n", 403},
		{"HTTP/1.0 without Host", "GET " + path + " HTTP/1.0", "", 403},
		{"X-Forwarded-For", "GET " + path + " HTTP/1.1", "Host: localhost\r\nX-Forwarded-For: 203.0.113.1\r\n", 403},
		{"two lines", "GET " + path + " HTTP/1.1", "Host: localhost\r\nX-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 127.0.0.1\r\n", 403},
		{"empty", "GET " + path + " HTTP/1.1", "Host: localhost\r\nX-Forwarded-For:\r\n", 403},
		{"underscores", "GET " + path + " HTTP/1.1", "Host: localhost\r\nX_Forwarded_For: 203.0.113.1\r\n", 403},
		{"Forwarded", "GET " + path + " HTTP/1.1", "Host: localhost\r\nForwarded: for=203.0.113.1\r\n", 403},
		{"X-Real-IP", "GET " + path + " HTTP/1.1", "Host: localhost\r\nX-Real-IP: 203.0.113.1\r\n", 403},
		{"CF-Connecting-IP", "GET " + path + " HTTP/1.1", "Host: localhost\r\nCF-Connecting-IP: 203.0.113.1\r\n", 403},
		{"X-Forwarded-Host", "GET " + path + " HTTP/1.1", "Host: localhost\r\nX-Forwarded-Host: feed.example\r\n", 403},
		{"foreign page", "GET " + path + " HTTP/1.1", "Host: localhost\r\nOrigin: http://evil.example\r\n", 403},
	}
	for _, hop := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Forwarded-Host", "Origin"} {
		value := map[string]string{"Forwarded": "for=203.0.113.1", "X-Forwarded-Host": "feed.example", "Origin": "http://evil.example"}[hop]
		if value == "" {
			value = "203.0.113.1"
		}
		tests = append(tests, struct {
			name, line, headers string
			status              int
		}{"Connection lists " + hop, "GET " + path + " HTTP/1.1", fmt.Sprintf("Host: localhost\r\n%s: %s\r\nConnection: close, %s\r\n", hop, value, hop), 403})
	}
	for _, tokens := range []web.Tokens{nil, {"development"}} {
		addr := guardedSite(t, tokens)
		bearer := ""
		if tokens != nil {
			bearer = "Authorization: Bearer development\r\n"
		}
		for _, tt := range tests {
			status, typ := send(t, addr, tt.line+"\r\n"+tt.headers+bearer+"\r\n")
			if status != tt.status || status >= 400 && typ != "application/problem+json" {
				t.Errorf("token %v, %s: %d %s, want %d", tokens != nil, tt.name, status, typ, tt.status)
			}
		}
	}
}

// Only who brings a token, or this machine, gets as far as the event bus.
func TestProxy_EventBus_NeedsTokenOrLoopback(t *testing.T) {
	reached := 0
	h := newServer(t, built(), upstream(t, func(http.ResponseWriter, *http.Request) { reached++ }))
	for _, tt := range []struct {
		path, bearer string
		want         int
	}{
		{"/api/eventbus/events", "", 403},
		{"/api/eventbus/events", "Bearer", 403},
		{"/api/eventbus/events", "Bearer some-token", 200},
		{"/api/query/posts", "", 200},
	} {
		reached = 0
		got := ask(h, "GET", tt.path, "Authorization", tt.bearer)
		if got.status != tt.want || (reached == 1) != (tt.want == 200) {
			t.Errorf("%s with %q: %d, reached %d times", tt.path, tt.bearer, got.status, reached)
		}
	}
}
