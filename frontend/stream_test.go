package frontend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/web"
)

// running is a server on a port of its own, with a service behind it.
type running struct {
	url  string
	stop context.CancelFunc
	wait func() error
}

func run(t *testing.T, h http.Handler) running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	bound := make(chan net.Addr, 1)
	var g errgroup.Group
	g.Go(func() error {
		return web.Serve(ctx, web.Server{
			Handler: h, Log: slog.New(slog.DiscardHandler), Addr: "127.0.0.1:0", Drain: 20 * time.Second,
			OnListen: func(addrs []net.Addr) { bound <- addrs[0] },
		})
	})
	t.Cleanup(func() { stop(); _ = g.Wait() })
	return running{"http://" + (<-bound).String(), stop, g.Wait}
}

// An event comes through while the service has not ended its answer, also when
// other requests would have run out of time; and the end of the server ends the
// stream at once, whatever the service does.
func TestProxyStreams(t *testing.T) {
	const limit = 100 * time.Millisecond
	next, gone := make(chan string), make(chan struct{})
	cfg := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case data := <-next:
				fmt.Fprintf(w, "data: %s\n\n", data)
				if http.NewResponseController(w).Flush() != nil {
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	})
	s := run(t, newServer(t, built(), cfg, web.WithRequestTimeout(limit)))
	patience, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(patience, http.MethodGet, s.url+"/api/query/posts/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	tell := func(event string) error {
		select {
		case next <- event:
			return nil
		case <-patience.Done():
			return fmt.Errorf("the service does not take %q: %w", event, patience.Err())
		}
	}
	var g errgroup.Group
	g.Go(func() error { return tell("first") }) // the answer's header comes with it
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(res.Body)
	for _, want := range []string{"first", "second", "third"} {
		if want != "first" {
			<-time.After(limit)
			if err := tell(want); err != nil {
				t.Fatal(err)
			}
		}
		if !in.Scan() || in.Text() != "data: "+want || !in.Scan() {
			t.Fatalf("read %q, want data: %s", in.Text(), want)
		}
	}
	s.stop()
	if in.Scan() || patience.Err() != nil {
		t.Errorf("the stream goes on after the server was told to stop: %q", in.Text())
	}
	if err := s.wait(); err != nil {
		t.Error(err)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the service still has the connection")
	}
}

// A client that does not read loses its stream, and the service is told.
func TestProxySlowClient(t *testing.T) {
	gone := make(chan struct{})
	log := slog.New(slog.DiscardHandler)
	gateway := newProxy(upstream(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}), log)
	t.Cleanup(gateway.close)
	gateway.streamWrite = 50 * time.Millisecond
	rt, err := newRouter(built(), gateway, web.NewProbes(nil), func(*web.Router) {}, log)
	if err != nil {
		t.Fatal(err)
	}
	s := run(t, rt)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "GET /api/query/posts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the service still writes for a client that does not read")
	}
}

// A request that the service is at work on when the server is told to stop gets
// its answer.
func TestProxyFinishesRequests(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := run(t, newServer(t, built(), upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		fmt.Fprint(w, "done")
	})))
	var g errgroup.Group
	g.Go(func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/posts/posts", strings.NewReader("{}"))
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if got, err := io.ReadAll(res.Body); err != nil || string(got) != "done" {
			return fmt.Errorf("answer %q, %w", got, err)
		}
		return nil
	})
	<-begun
	s.stop()
	close(goOn)
	if err := errors.Join(g.Wait(), s.wait()); err != nil {
		t.Error(err)
	}
}

// A client that has gone takes its request to the service along.
func TestProxyClientGone(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	h := newServer(t, built(), upstream(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	}))
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequest(http.MethodGet, "/api/query/posts", nil).WithContext(ctx)
	var g errgroup.Group
	g.Go(func() error { h.ServeHTTP(httptest.NewRecorder(), r); return nil })
	<-begun
	leave()
	<-ended
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
