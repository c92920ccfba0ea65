package query

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// discarded is an answer that nobody reads, so that what a benchmark counts is
// what the service does.
type discarded struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (d *discarded) Header() http.Header { return d.header }

// Write implements http.ResponseWriter.
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (d *discarded) WriteHeader(status int) { d.status = status }

// GET /posts from the cache, through all that stands before it, with the access
// log as it is written in production, but to nowhere.
func BenchmarkHotPage(b *testing.B) {
	log := web.NewLogger(io.Discard, "query", slog.LevelInfo)
	c := newCache(nil)
	c.missed(bus.ID{Ms: 1})
	rt := web.NewRouter(log)
	h := &hub{cache: c}
	api{hub: h, live: &live{}}.routes(rt)
	page := &keptPage{Rendered: web.RenderBody("application/json", make([]byte, 30_000)), version: bus.ID{Ms: 1}, epoch: 1}
	c.kept.Set(pageKey{"/posts", "limit=20"}, page)
	r := httptest.NewRequest(http.MethodGet, "/posts", nil)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%100 == 0 {
			c.proved(bus.ID{Ms: 1}, time.Now())
		}
		w := &discarded{header: make(http.Header)}
		if rt.ServeHTTP(w, r); w.status != http.StatusOK {
			b.Fatalf("status %d", w.status)
		}
	}
}

// GET /posts from the cache over 64 connections, beside a bare net/http server
// that writes the same bytes with the same headers. cpu-µs/op is what the process
// took for each, the client's part, which is the same, included.
func BenchmarkHotPageServed(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	body := make([]byte, 30_000)
	c := newCache(nil)
	c.missed(bus.ID{Ms: 1})
	rt := web.NewRouter(web.NewLogger(null, "query", slog.LevelInfo))
	h := &hub{cache: c}
	api{hub: h, live: &live{}}.routes(rt)
	c.kept.Set(pageKey{"/posts", "limit=20"}, &keptPage{Rendered: web.RenderBody("application/json", body), version: bus.ID{Ms: 1}, epoch: 1})
	first := httptest.NewRecorder()
	c.proved(bus.ID{Ms: 1}, time.Now())
	rt.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/posts", nil))
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range first.Header() {
			w.Header()[name] = values
		}
		_, _ = w.Write(body)
	})
	for name, handler := range map[string]http.Handler{"newsfeed": rt, "bare": bare} {
		b.Run(name, func(b *testing.B) {
			addr := served(b, handler, name == "bare")
			stop := make(chan struct{})
			var proving sync.WaitGroup
			proving.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						c.proved(bus.ID{Ms: 1}, time.Now())
					}
				}
			})
			defer proving.Wait()
			defer close(stop)
			const connections = 64
			var clients sync.WaitGroup
			turns := make(chan struct{}, connections)
			for range connections {
				clients.Go(func() { request(b, addr, turns) })
			}
			b.ReportAllocs()
			before := cpu()
			for b.Loop() {
				turns <- struct{}{}
			}
			close(turns)
			clients.Wait()
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
		})
	}
}

// request sends a request per turn over one connection and reads the answers.
func request(b *testing.B, addr string, turns <-chan struct{}) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	get := []byte("GET /posts HTTP/1.1\r\nHost: localhost\r\n\r\n")
	for range turns {
		if _, err := conn.Write(get); err != nil {
			b.Error(err)
			return
		}
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				b.Error(err)
				return
			}
			if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(n)))
			}
			if len(line) == 2 {
				break
			}
		}
		if n, err := in.Discard(length); err != nil || n == 0 {
			b.Errorf("%d bytes: %v", n, err)
			return
		}
	}
}

// served has a handler listen, in a bare server or as the services do.
func served(b *testing.B, h http.Handler, bare bool) string {
	if bare {
		server := httptest.NewServer(h)
		b.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	listening, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		done <- web.Serve(ctx, web.Server{
			Handler: h, Log: slog.New(slog.DiscardHandler), OnListen: func(addrs []net.Addr) { listening <- addrs[0] },
		})
	}()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return (<-listening).String()
}

// cpu is how much time of processors this process has taken.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
