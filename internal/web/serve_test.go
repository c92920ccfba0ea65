package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/web"
)

// running is a server that the test started.
type running struct {
	addrs []net.Addr
	stop  context.CancelFunc
	wait  func() error
}

func (s running) url(path string) string { return "http://" + s.addrs[0].String() + path }

func start(t *testing.T, s web.Server) running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	bound := make(chan []net.Addr, 1)
	s.OnListen = func(addrs []net.Addr) { bound <- addrs }
	if s.Log == nil {
		s.Log = discard()
	}
	var g errgroup.Group
	failed := make(chan struct{})
	g.Go(func() error {
		defer close(failed)
		return web.Serve(ctx, s)
	})
	t.Cleanup(func() { stop(); _ = g.Wait() })
	select {
	case addrs := <-bound:
		return running{addrs, stop, g.Wait}
	case <-failed:
		t.Fatal(g.Wait())
		return running{}
	}
}

func get(t *testing.T, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return http.DefaultClient.Do(req)
}

func TestServeOnLoopback(t *testing.T) {
	s := start(t, web.Server{Handler: routes(discard())})
	ports := map[string]bool{}
	for _, a := range s.addrs {
		resp, err := get(t, "http://"+a.String()+"/posts")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		tcp := a.(*net.TCPAddr)
		ports[strconv.Itoa(tcp.Port)] = true
		if resp.StatusCode != 200 || !tcp.IP.IsLoopback() {
			t.Errorf("%s answers %d", a, resp.StatusCode)
		}
	}
	if len(ports) != 1 || ports["0"] {
		t.Errorf("ports %v, want one for both families", ports)
	}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		_ = l.Close()
		if len(s.addrs) != 2 {
			t.Errorf("listens on %v, want both families", s.addrs)
		}
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Errorf("Serve = %v after its context ended", err)
	}
	if c, err := net.Dial("tcp", s.addrs[0].String()); err == nil {
		_ = c.Close()
		t.Error("still listens")
	}
}

func TestServeOnAddr(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", ":0"} {
		s := start(t, web.Server{Handler: routes(discard()), Addr: addr})
		tcp := s.addrs[0].(*net.TCPAddr)
		if all := tcp.IP.IsUnspecified(); all != (addr == ":0") {
			t.Errorf("%s listens on %v", addr, s.addrs)
		}
		resp, err := get(t, "http://127.0.0.1:"+strconv.Itoa(tcp.Port)+"/posts")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}

func TestServePortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	err = web.Serve(t.Context(), web.Server{Handler: http.NotFoundHandler(), Log: discard(), Port: port})
	want := fmt.Sprintf("port %d is in use: end the other program or set LISTEN_ADDR (or newsfeed up --port-offset)", port)
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	// Only the second family's port taken: the first must be given back.
	six, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	defer six.Close()
	port = six.Addr().(*net.TCPAddr).Port
	if err := web.Serve(t.Context(), web.Server{Handler: http.NotFoundHandler(), Log: discard(), Port: port}); err == nil {
		t.Error("no error with the IPv6 port taken")
	}
	four, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatalf("the IPv4 port was not given back: %v", err)
	}
	_ = four.Close()
}

// A request under way when the service is told to stop is answered, its context
// alive, while the probe already says no.
func TestServeFinishesRunningRequests(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	probes := web.NewProbes(func(context.Context) error { return nil })
	rt := web.NewRouter(discard())
	probes.Routes(rt)
	rt.Handle(http.MethodGet, "/slow", func(w http.ResponseWriter, r *http.Request) error {
		close(begun)
		<-goOn
		if err := r.Context().Err(); err != nil {
			return err
		}
		return web.WriteJSON(w, http.StatusOK, "done")
	})
	s := start(t, web.Server{Handler: rt, Probes: probes})
	var g errgroup.Group
	g.Go(func() error {
		resp, err := get(t, s.url("/slow"))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if string(body) != "\"done\"\n" {
			return fmt.Errorf("answer %d %q, %w", resp.StatusCode, body, err)
		}
		return nil
	})
	<-begun
	s.stop()
	until(t, "the listener is closed", func() bool {
		c, err := net.Dial("tcp", s.addrs[0].String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	if resp := do(t, rt, http.MethodGet, "/readyz"); resp.StatusCode != 503 {
		t.Errorf("/readyz = %d while draining", resp.StatusCode)
	}
	if resp := do(t, rt, http.MethodGet, "/livez"); resp.StatusCode != 200 {
		t.Errorf("/livez = %d while draining", resp.StatusCode)
	}
	close(goOn)
	if err := errors.Join(g.Wait(), s.wait()); err != nil {
		t.Error(err)
	}
}

// until polls a condition, for at most 5 s.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("not so after 5 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestServeEndsWhatTakesTooLong(t *testing.T) {
	begun := make(chan struct{})
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/ever", func(_ http.ResponseWriter, r *http.Request) error {
		close(begun)
		<-r.Context().Done()
		return r.Context().Err()
	})
	s := start(t, web.Server{Handler: rt, Drain: 20 * time.Millisecond})
	var g errgroup.Group
	g.Go(func() error {
		resp, err := get(t, s.url("/ever"))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != 503 {
			return fmt.Errorf("status %d, want 503", resp.StatusCode)
		}
		return nil
	})
	<-begun
	s.stop()
	if err := errors.Join(g.Wait(), s.wait()); err != nil {
		t.Error(err)
	}
}
