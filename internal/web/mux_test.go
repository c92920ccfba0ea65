package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// lines collects log lines from any goroutine.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func routes(log *slog.Logger, opts ...web.Option) *web.Router {
	rt := web.NewRouter(log, opts...)
	say := func(text string) web.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.WriteString(w, text+" "+web.RequestID(r.Context()))
			return err
		}
	}
	rt.Handle(http.MethodGet, "/posts", say("list"))
	rt.Handle(http.MethodPost, "/posts", say("create"))
	rt.Handle(http.MethodGet, "/posts/stream", say("stream"))
	rt.Handle(http.MethodGet, "/posts/{id}", func(w http.ResponseWriter, r *http.Request) error {
		id, err := web.ID(r, "id")
		if err != nil {
			return err
		}
		return say("post "+id)(w, r)
	})
	rt.Handle(http.MethodDelete, "/posts/{id}", say("delete"))
	rt.Handle(http.MethodGet, "/posts/{id}/comments", say("comments"))
	rt.Handle(http.MethodGet, "/livez", say("ok"))
	rt.Handle(http.MethodGet, "/fail", func(http.ResponseWriter, *http.Request) error { return errors.New("secret") })
	rt.Handle(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("secret") })
	rt.Handle(http.MethodGet, "/half", func(w http.ResponseWriter, _ *http.Request) error {
		fmt.Fprint(w, "half")
		return errors.New("secret")
	})
	rt.Handle(http.MethodGet, "/halfpanic", func(w http.ResponseWriter, _ *http.Request) error {
		fmt.Fprint(w, "half")
		panic("secret")
	})
	return rt
}

// answer is what a handler answered, read whole.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       *bytes.Buffer
}

func do(t *testing.T, h http.Handler, method, target string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body}
}

func TestRouter(t *testing.T) {
	rt := routes(discard())
	for _, tt := range []struct {
		method, target string
		status         int
		want           string // start of the body, or Allow
	}{
		{"GET", "/posts", 200, "list"},
		{"HEAD", "/posts", 200, "list"}, // net/http leaves the body out
		{"POST", "/posts", 200, "create"},
		{"GET", "/posts/stream", 200, "stream"},
		{"GET", "/posts/a.b:c", 200, "post a.b:c"},
		{"GET", "/posts/a%3Ab", 200, "post a:b"},
		{"GET", "/posts/7/comments", 200, "comments"},
		{"OPTIONS", "/posts", 204, "GET, HEAD, OPTIONS, POST"},
		{"PUT", "/posts", 405, "GET, HEAD, OPTIONS, POST"},
		{"DELETE", "/posts/stream", 405, "GET, HEAD, OPTIONS"},
		{"POST", "/posts/7", 405, "DELETE, GET, HEAD, OPTIONS"},
		{"get", "/posts", 405, "GET, HEAD, OPTIONS, POST"},
		{"GET", "/", 404, ""},
		{"GET", "/posts/", 404, ""},
		{"GET", "//posts", 404, ""},
		{"GET", "/posts//comments", 404, ""},
		{"GET", "/x/../posts", 404, ""},
		{"GET", "/posts/7%2Fcomments", 404, ""},
		{"GET", "/posts/%00", 404, ""},
		{"GET", "/posts/a%20b", 404, ""},
		{"GET", "/posts/all", 404, ""},
		{"GET", "/posts/" + strings.Repeat("x", 129), 404, ""},
		{"OPTIONS", "/nothing", 404, ""},
		{"GET", "/fail", 500, ""},
		{"GET", "/panic", 500, ""},
	} {
		t.Run(tt.method+" "+tt.target, func(t *testing.T) {
			resp := do(t, rt, tt.method, tt.target, "X-Request-Id", "me-1")
			if resp.StatusCode != tt.status {
				t.Fatalf("status = %d, want %d", resp.StatusCode, tt.status)
			}
			if tt.status >= 400 {
				if p := problem(t, resp); p.Status != tt.status || p.RequestID != "me-1" || strings.Contains(fmt.Sprint(p), "secret") {
					t.Errorf("problem = %+v", p)
				}
			}
			switch tt.status {
			case 200:
				if got := resp.Body.String(); got != tt.want+" me-1" {
					t.Errorf("body = %q, want %q and the request id", got, tt.want)
				}
			case 204, 405:
				if got := resp.Header.Get("Allow"); got != tt.want {
					t.Errorf("Allow = %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	rt := routes(discard())
	made := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	for _, tt := range []struct {
		in   string
		kept bool
	}{{"a.B_9-", true}, {"", false}, {"a b", false}, {"a\nb", false}, {strings.Repeat("x", 64), true}, {strings.Repeat("x", 65), false}} {
		got := do(t, rt, http.MethodGet, "/posts", "X-Request-Id", tt.in).Header.Get("X-Request-Id")
		if tt.kept != (got == tt.in) || !tt.kept && !made.MatchString(got) {
			t.Errorf("request id %q became %q", tt.in, got)
		}
	}
}

func TestAccessLog(t *testing.T) {
	var log lines
	rt := routes(slog.New(slog.NewJSONHandler(&log, nil)))
	do(t, rt, http.MethodGet, "/posts?cursor=secret", "X-Request-Id", "me-1")
	do(t, rt, http.MethodGet, "/livez")
	var got map[string]any
	if err := json.Unmarshal([]byte(log.String()), &got); err != nil {
		t.Fatalf("not one line: %v\n%s", err, log.String())
	}
	if d, ok := got["duration"].(float64); !ok || d <= 0 {
		t.Errorf("duration = %v", got["duration"])
	}
	delete(got, "duration")
	delete(got, "time")
	want := map[string]any{"level": "INFO", "msg": "request", "method": "GET", "path": "/posts", "status": 200.0, "bytes": 9.0, "request_id": "me-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestPanicIsLoggedWithStack(t *testing.T) {
	var log lines
	do(t, routes(slog.New(slog.NewTextHandler(&log, nil))), http.MethodGet, "/panic")
	for _, want := range []string{"level=ERROR", "panic=secret", "mux_test.go", "msg=request", "status=500"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log has no %s:\n%s", want, log.String())
		}
	}
}

// What breaks off must not look whole to the client.
func TestHalfAnswers(t *testing.T) {
	var log lines
	srv := httptest.NewServer(routes(slog.New(slog.NewTextHandler(&log, nil))))
	defer srv.Close()
	for _, path := range []string{"/half", "/halfpanic"} {
		resp, err := srv.Client().Get(srv.URL + path)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s came to its end", path)
		}
	}
	srv.Close()
	if got := strings.Count(log.String(), "level=ERROR"); got != 2 {
		t.Errorf("%d errors logged, want 2:\n%s", got, log.String())
	}
}

func TestFlushReachesTheClient(t *testing.T) {
	more := make(chan struct{})
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/both", func(w http.ResponseWriter, r *http.Request) error {
		fmt.Fprintln(w, "one")
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		<-more
		fmt.Fprintln(w, "two")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return r.Context().Err()
	})
	srv := httptest.NewServer(rt)
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + "/both")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for _, want := range []string{"one", "two"} {
		if !in.Scan() || in.Text() != want {
			t.Fatalf("read %q, want %q", in.Text(), want)
		}
		if want == "one" {
			close(more)
		}
	}
}

func TestCORS(t *testing.T) {
	const page = "http://localhost:3000"
	with := routes(discard(), web.WithCORS([]web.Origin{page, "https://feed.example"}))
	for _, tt := range []struct {
		name           string
		rt             *web.Router
		method, target string
		header         []string
		status         int
		allowOrigin    string
	}{
		{"none configured", routes(discard()), "GET", "/posts", []string{"Origin", page}, 200, ""},
		{"allowed", with, "GET", "/posts", []string{"Origin", page}, 200, page},
		{"allowed and failing", with, "GET", "/nothing", []string{"Origin", page}, 404, page},
		{"allowed and panicking", with, "GET", "/panic", []string{"Origin", page}, 500, page},
		{"foreign", with, "GET", "/posts", []string{"Origin", "http://evil.example"}, 200, ""},
		{"no origin", with, "GET", "/posts", nil, 200, ""},
		{"all", routes(discard(), web.WithCORS([]web.Origin{"*"})), "GET", "/posts", []string{"Origin", page}, 200, "*"},
		{"preflight", with, "OPTIONS", "/posts/7", []string{"Origin", page, "Access-Control-Request-Method", "DELETE",
			"Access-Control-Request-Headers", "authorization, content-type,if-match, if-none-match,idempotency-key,last-event-id"}, 204, page},
		{"preflight, foreign", with, "OPTIONS", "/posts/7", []string{"Origin", "http://evil.example", "Access-Control-Request-Method", "DELETE"}, 204, ""},
		{"preflight, other method", with, "OPTIONS", "/posts/7", []string{"Origin", page, "Access-Control-Request-Method", "PUT"}, 405, ""},
		{"plain OPTIONS", with, "OPTIONS", "/posts/7", []string{"Origin", page}, 204, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := do(t, tt.rt, tt.method, tt.target, tt.header...)
			if resp.StatusCode != tt.status || resp.Header.Get("Access-Control-Allow-Origin") != tt.allowOrigin {
				t.Errorf("status %d, headers %v; want %d for %q", resp.StatusCode, resp.Header, tt.status, tt.allowOrigin)
			}
			if got := resp.Header.Get("Vary"); tt.rt == with && got != "Origin" {
				t.Errorf("Vary = %q", got)
			}
			if tt.name == "allowed" && resp.Header.Get("Access-Control-Expose-Headers") != "Etag,Link,Location,Ratelimit,Ratelimit-Policy,Retry-After,X-Request-Id" {
				t.Errorf("exposed: %q", resp.Header.Get("Access-Control-Expose-Headers"))
			}
			if tt.name == "preflight" && resp.Header.Get("Access-Control-Allow-Methods") != "DELETE" {
				t.Errorf("methods: %q", resp.Header.Get("Access-Control-Allow-Methods"))
			}
		})
	}
}
