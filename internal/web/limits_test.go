package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/web"
)

// text is a body that a test decodes.
type text struct {
	Text string `json:"text"`
}

func (t *text) Validate() error { return nil }

// careful serves a few routes with limits that a test can wait for.
func careful(t *testing.T, limits web.Limits) running {
	rt := web.NewRouter(discard(), web.WithRequestTimeout(5*time.Second))
	rt.Handle(http.MethodGet, "/", func(w http.ResponseWriter, _ *http.Request) error { return web.WriteJSON(w, 200, "hello") })
	rt.Handle(http.MethodPost, "/", func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[text](w, r)
		if err != nil {
			return err
		}
		return web.WriteJSON(w, 200, in)
	})
	rt.Handle(http.MethodGet, "/flood", func(w http.ResponseWriter, _ *http.Request) error {
		for block := bytes.Repeat([]byte("x"), 1<<20); ; {
			if _, err := w.Write(block); err != nil {
				return err
			}
		}
	})
	return start(t, web.Server{Handler: rt, Limits: limits})
}

// dial opens a connection on which nothing may take longer than a few seconds.
func dial(t *testing.T, s running) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addrs[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// hear reads one answer and returns its status.
func hear(t *testing.T, c net.Conn) int {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// hangsUp fails the test unless the server closes the connection.
func hangsUp(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection is still open: %v", err)
	}
}

// pour writes for as long as the server takes it, and fails if that is for ever.
func pour(t *testing.T, c net.Conn, drop string) {
	t.Helper()
	for block := strings.Repeat(drop, 1000); ; {
		if _, err := io.WriteString(c, block); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the server neither reads nor hangs up")
		} else if err == nil {
			continue
		}
		return
	}
}

func TestSlowHeader(t *testing.T) {
	s := careful(t, web.Limits{ReadHeader: 50 * time.Millisecond})
	for _, begin := range []string{"", "G", "GET / HTTP/1.1\r\nHost: x\r\nA: "} {
		c := dial(t, s)
		send(t, c, begin)
		hangsUp(t, c)
	}
	c := dial(t, s) // a drop now and then does not help
	var g errgroup.Group
	g.Go(func() error {
		for range time.Tick(10 * time.Millisecond) {
			if _, err := io.WriteString(c, "A: a\r\n"); err != nil {
				return nil
			}
		}
		return nil
	})
	send(t, c, "GET / HTTP/1.1\r\n")
	hangsUp(t, c)
	_ = c.Close()
	_ = g.Wait()
}

func TestSlowBody(t *testing.T) {
	s := careful(t, web.Limits{Read: 300 * time.Millisecond})
	c := dial(t, s)
	send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{")
	if got := hear(t, c); got != http.StatusRequestTimeout {
		t.Errorf("status %d, want 408", got)
	}
	hangsUp(t, c)
}

func TestEndlessBody(t *testing.T) {
	s := careful(t, web.Limits{Read: 3 * time.Second})
	for path, want := range map[string]int{"/": 413, "/nothing": 404} {
		c := dial(t, s)
		send(t, c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
		var g errgroup.Group
		g.Go(func() error { pour(t, c, "10\r\n{\"text\":\"aaaaaaa\r\n"); return nil })
		if got := hear(t, c); got != want {
			t.Errorf("%s: status %d, want %d", path, got, want)
		}
		_ = g.Wait()
	}
}

func TestEndlessHeader(t *testing.T) {
	s := careful(t, web.Limits{})
	c := dial(t, s)
	send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n")
	var g errgroup.Group
	g.Go(func() error { pour(t, c, "A: aaaaaaaaaa\r\n"); return nil })
	if got := hear(t, c); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want 431", got)
	}
	_ = g.Wait()
	c = dial(t, s)
	send(t, c, "GET /"+strings.Repeat("a", 64<<10)+" HTTP/1.1\r\n")
	if got := hear(t, c); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("path: status %d, want 431", got)
	}
}

func TestClientThatDoesNotRead(t *testing.T) {
	s := careful(t, web.Limits{Write: 500 * time.Millisecond})
	c := dial(t, s)
	send(t, c, "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
	// The server has ended the handler before it lets itself be stopped.
	if _, err := bufio.NewReader(c).ReadByte(); err != nil {
		t.Fatal(err)
	}
	s.stop()
	ended := make(chan error, 1)
	go func() { ended <- s.wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it still writes")
	}
}

func TestRequestTimeout(t *testing.T) {
	rt := web.NewRouter(discard(), web.WithRequestTimeout(20*time.Millisecond))
	rt.Handle(http.MethodGet, "/", func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return fmt.Errorf("waiting: %w", r.Context().Err())
	})
	rt.Handle(http.MethodGet, "/other", func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("a time limit of its own: %w", context.DeadlineExceeded)
	})
	rt.Handle(http.MethodGet, "/long", func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel, err := web.LongLived(w, r)
		if err != nil {
			return err
		}
		defer cancel()
		<-r.Context().Done()
		return web.WriteJSON(w, 200, fmt.Sprint(ctx.Err()))
	})
	rt.Handle(http.MethodGet, "/whole", func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := web.Unhurried(r)
		defer cancel()
		<-r.Context().Done()
		return web.WriteJSON(w, 200, fmt.Sprint(ctx.Err()))
	})
	if got := do(t, rt, http.MethodGet, "/whole"); got.Body.String() != "\"<nil>\"\n" {
		t.Errorf("an unhurried request ends with %s", got.Body)
	}
	if got := do(t, rt, http.MethodGet, "/"); got.StatusCode != 503 || got.Header.Get("Retry-After") != "1" {
		t.Errorf("status %d, headers %v; want 503 with Retry-After", got.StatusCode, got.Header)
	}
	if got := do(t, rt, http.MethodGet, "/other"); got.StatusCode != 500 {
		t.Errorf("another time limit: status %d, want 500", got.StatusCode)
	}
	if got := do(t, rt, http.MethodGet, "/long"); got.Body.String() != "\"<nil>\"\n" {
		t.Errorf("a long-lived request ends with %s", got.Body)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	const page = "http://localhost:3000"
	want := map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin",
	}
	for _, tt := range []struct {
		rt             *web.Router
		method, target string
		resource       string
	}{
		{routes(discard()), "GET", "/posts", ""}, {routes(discard()), "OPTIONS", "/posts", ""}, {routes(discard()), "GET", "/nothing", ""},
		{routes(discard()), "PUT", "/posts", ""}, {routes(discard()), "GET", "/fail", ""}, {routes(discard()), "GET", "/panic", ""},
		{routes(discard(), web.WithCORS([]web.Origin{page})), "OPTIONS", "/posts", ""},
		{routes(discard(), web.WithCORS([]web.Origin{page})), "GET", "/posts", ""},
		{routes(discard(), web.WithCORS([]web.Origin{"*"})), "GET", "/posts", "cross-origin"},
	} {
		got := do(t, tt.rt, tt.method, tt.target, "Origin", page, "Access-Control-Request-Method", "POST")
		for name, value := range want {
			if name == "Cross-Origin-Resource-Policy" && tt.resource != "" {
				value = tt.resource
			}
			if got := got.Header.Get(name); got != value {
				t.Errorf("%s %s: %s: %q, want %q", tt.method, tt.target, name, got, value)
			}
		}
	}
	c := dial(t, careful(t, web.Limits{}))
	send(t, c, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 404 || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("OPTIONS *: status %d, headers %v", resp.StatusCode, resp.Header)
	}
}
