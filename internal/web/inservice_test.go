package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/web"
)

// blocking is a server on which every request stays until the test ends.
type blocking struct {
	h       http.Handler
	entered chan struct{}
	done    chan struct{}
	served  errgroup.Group
}

func newBlocking(t *testing.T, opts ...web.Option) *blocking {
	t.Helper()
	b := &blocking{entered: make(chan struct{}), done: make(chan struct{})}
	stay := func() {
		select {
		case b.entered <- struct{}{}:
		case <-b.done:
		}
		<-b.done
	}
	rt := web.NewRouter(discard(), opts...)
	rt.Handle(http.MethodGet, "/", func(http.ResponseWriter, *http.Request) error { stay(); return nil })
	rt.Handle(http.MethodPost, "/", func(_ http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		stay()
		return err
	})
	web.NewProbes(nil).Routes(rt)
	b.h = rt
	t.Cleanup(func() { close(b.done); _ = b.served.Wait() })
	return b
}

// endless is a body that never comes to its end; the first Read says so.
type endless struct{ entered, done chan struct{} }

func (e endless) Read([]byte) (int, error) {
	e.entered <- struct{}{}
	<-e.done
	return 0, io.EOF
}

// ask sends a request in the name of a client. It returns nil if the request
// stays, and else the answer.
func (b *blocking) ask(method, client string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", body)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("X-Forwarded-For", client)
	answer := make(chan *httptest.ResponseRecorder, 1)
	b.served.Go(func() error {
		w := httptest.NewRecorder()
		b.h.ServeHTTP(w, r)
		answer <- w
		return nil
	})
	select {
	case <-b.entered:
		return nil
	case w := <-answer:
		return w
	}
}

// clients are addresses that have nothing in common below the network of a kind.
var clients = map[string]struct {
	addr func(i int) string
	want int // how many may be in service
}{
	"one IPv4 address": {func(int) string { return "203.0.113.77" }, 16},
	"a /24 of IPv4":    {func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }, 64},
	"a /64 of IPv6":    {func(i int) string { return fmt.Sprintf("2001:db8:1:1::%x", i+1) }, 16},
	"a /56 of IPv6":    {func(i int) string { return fmt.Sprintf("2001:db8:2:%x::1", i) }, 32},
	"a /48 of IPv6":    {func(i int) string { return fmt.Sprintf("2001:db8:3:%x::1", i<<8) }, 64},
}

func TestWithConnections_NetworkHasShare(t *testing.T) {
	for name, kind := range clients {
		t.Run(name, func(t *testing.T) {
			b := newBlocking(t, web.WithConnections(256))
			for i := range kind.want {
				if w := b.ask(http.MethodGet, kind.addr(i), nil); w != nil {
					t.Fatalf("request %d: %d %s", i, w.Code, w.Body)
				}
			}
			for i := range 3 {
				w := b.ask(http.MethodGet, kind.addr(kind.want+i), nil)
				if w == nil || w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
					t.Fatalf("one too many: %+v", w)
				}
			}
			for _, other := range []string{"198.51.100.9", "2001:db8:ffff::1"} {
				if w := b.ask(http.MethodGet, other, nil); w != nil {
					t.Errorf("another client: %d %s", w.Code, w.Body)
				}
			}
			r := httptest.NewRequest(http.MethodGet, "/livez", nil)
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set("X-Forwarded-For", kind.addr(0))
			w := httptest.NewRecorder()
			if b.h.ServeHTTP(w, r); w.Code != http.StatusOK {
				t.Errorf("a probe: %d", w.Code)
			}
		})
	}
}

// Bodies that do not arrive leave half of the share for other requests.
func TestWithConnections_BodiesAwaited_ReadsGoOn(t *testing.T) {
	b := newBlocking(t, web.WithConnections(256))
	body := endless{b.entered, b.done}
	for i := range 8 {
		if w := b.ask(http.MethodPost, "203.0.113.77", body); w != nil {
			t.Fatalf("body %d: %d %s", i, w.Code, w.Body)
		}
	}
	w := b.ask(http.MethodPost, "203.0.113.77", strings.NewReader("x"))
	if w == nil || w.Code != http.StatusServiceUnavailable || w.Header().Get("Connection") != "close" {
		t.Fatalf("one body too many: %+v", w)
	}
	for i := range 8 {
		if w := b.ask(http.MethodGet, "203.0.113.77", nil); w != nil {
			t.Fatalf("read %d: %d %s", i, w.Code, w.Body)
		}
	}
}

// A request whose body has come no longer counts as one that waits for it.
func TestWithConnections_BodiesArrived_LeaveRoom(t *testing.T) {
	b := newBlocking(t, web.WithConnections(256))
	for i := range 16 {
		if w := b.ask(http.MethodPost, "203.0.113.77", strings.NewReader("x")); w != nil {
			t.Fatalf("write %d: %d %s", i, w.Code, w.Body)
		}
	}
}

// A body that nobody wants is not waited for: the answer closes the connection.
func TestServe_UnreadBody_ClosesConnection(t *testing.T) {
	s := careful(t, web.Limits{Read: time.Minute})
	for name, text := range map[string]string{
		"no such path":    "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"no such method":  "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"chunked":         "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		"a GET":           "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
		"another type":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n{",
		"unread at all":   "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"just the header": "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			send(t, c, text)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if !resp.Close {
				t.Errorf("%d without Connection: close", resp.StatusCode)
			}
			hangsUp(t, c)
		})
	}
	c := dial(t, s)
	for range 2 { // one that was read keeps its connection
		send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"text\":\"a\"}")
		if got := hear(t, c); got != http.StatusOK {
			t.Errorf("status %d", got)
		}
	}
}

// Clients that do not send their body, or only a drop now and then, make room for
// others long before the time for a body is over.
func TestServe_SlowBodies_MakeRoom(t *testing.T) {
	s := careful(t, web.Limits{Connections: 4, Read: time.Minute})
	for i := range 4 {
		c := dial(t, s)
		send(t, c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
		if i%2 == 0 {
			continue
		}
		var g errgroup.Group
		g.Go(func() error {
			for {
				if _, err := io.WriteString(c, " "); err != nil {
					return nil
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
		t.Cleanup(func() { _, _ = c.Close(), g.Wait() })
	}
	for range 4 {
		c := dial(t, s)
		send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := hear(t, c); got != http.StatusOK {
			t.Errorf("status %d", got)
		}
		defer c.Close()
	}
}
