package web_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bustest"
	"newsfeed/internal/web"
)

func TestStreamLimits(t *testing.T) {
	s := streaming(t, discard(), web.StreamOptions{PerAddress: 2, Total: 3}, untilGone)
	// from connects from an address of its own and returns the answer, open.
	from := func(ip string) (status int, h http.Header, leave func()) {
		t.Helper()
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url("/stream"), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp.StatusCode, resp.Header, func() { _ = resp.Body.Close() }
	}
	_, _, leave := from("127.0.0.1")
	for i, step := range []struct {
		ip   string
		want int
	}{
		{"127.0.0.1", http.StatusOK},
		{"127.0.0.1", http.StatusTooManyRequests},
		{"127.0.0.2", http.StatusOK},
		{"127.0.0.2", http.StatusServiceUnavailable},
		{"127.0.0.1", http.StatusTooManyRequests},
	} {
		status, header, _ := from(step.ip)
		if status != step.want {
			t.Fatalf("%d: from %s: %d, want %d", i, step.ip, status, step.want)
		}
		if step.want == http.StatusOK {
			continue
		}
		if header.Get("Retry-After") != "10" || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%d: %v", i, header)
		}
	}
	leave()
	bustest.Eventually(t, 5*time.Second, "a closed stream makes room", func() bool {
		status, _, _ := from("127.0.0.2")
		return status == http.StatusOK
	})
}

// A household has a whole network of IPv6 addresses, and one share.
func TestStreamLimitOfANetwork(t *testing.T) {
	s := streaming(t, discard(), web.StreamOptions{PerAddress: 2}, untilGone)
	for _, step := range []struct {
		from string
		want int
	}{
		{"2001:db8::1", http.StatusOK},
		{"2001:db8::2", http.StatusOK},
		{"2001:db8:0:0:ffff::3", http.StatusTooManyRequests},
		{"2001:db8:0:1::1", http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url("/stream"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", step.from)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != step.want {
			t.Errorf("from %s: %d, want %d", step.from, resp.StatusCode, step.want)
		}
	}
}

// What ends a stream is in the log, also long after the time limit of a request.
func TestStreamFailureIsLogged(t *testing.T) {
	for what, wait := range map[string]bool{"at once": false, "late": true} {
		t.Run(what, func(t *testing.T) {
			var logged safeBuffer
			log := slog.New(slog.NewTextHandler(&logged, nil))
			streams := web.NewStreams(log, web.StreamOptions{})
			rt := web.NewRouter(log, web.WithRequestTimeout(10*time.Millisecond))
			rt.Handle(http.MethodGet, "/stream", func(w http.ResponseWriter, r *http.Request) error {
				return streams.Serve(w, r, func(s *web.Stream) error {
					if wait {
						<-r.Context().Done()
					}
					if s.Context().Err() != nil {
						t.Error("the stream has ended with its request's time limit")
					}
					return errors.New("no more")
				})
			})
			resp, err := get(t, start(t, web.Server{Handler: rt, Log: log}).url("/stream"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Error("ended as if all were well")
			}
			bustest.Eventually(t, 5*time.Second, "the log says why", func() bool {
				return strings.Contains(logged.String(), "no more")
			})
		})
	}
}

// safeBuffer is a log that is written and read at the same time.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
