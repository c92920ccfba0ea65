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

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/web"
)

// upstream is a service that answers as h does; every service is at its address.
func upstream(t *testing.T, h http.HandlerFunc) Config {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return at(srv.URL)
}

func at(url string) Config {
	u := Upstream(url)
	return Config{PostsURL: u, CommentsURL: u, ModeratorURL: u, QueryURL: u, EventBusURL: u}
}

// echo answers with the request as it came.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s", r.Method, r.RequestURI)
	text, err := io.ReadAll(r.Body)
	if err == nil && len(text) > 0 {
		fmt.Fprintf(w, " %s", text)
	}
}

func TestProxyPaths(t *testing.T) {
	h := newServer(t, built(), upstream(t, echo))
	for _, tt := range []struct {
		method, path, want string // what came to the service, "" for 404
	}{
		{"GET", "/api/query/posts", "GET /posts"},
		{"GET", "/api/query/posts?cursor=a%20b&limit=2", "GET /posts?cursor=a%20b&limit=2"},
		{"GET", "/api/query/posts?cursor=%zz;", "GET /posts?cursor=%zz;"}, // the service's to refuse
		{"POST", "/api/posts/posts", "POST /posts"},
		{"PATCH", "/api/comments/comments/7", "PATCH /comments/7"},
		{"DELETE", "/api/comments/comments/7", "DELETE /comments/7"},
		{"OPTIONS", "/api/posts/posts", "OPTIONS /posts"},
		{"GET", "/api/moderator/moderation/queue", "GET /moderation/queue"},
		{"GET", "/api/eventbus/streams", "GET /streams"},
		{"GET", "/api/query/posts/a%2Fb", "GET /posts/a%2Fb"},
		{"GET", "/api/query/posts/a%3Ab~.c", "GET /posts/a%3Ab~.c"},
		{"GET", "/api/query//posts", "GET //posts"},
		{"GET", "/api/query/../posts", "GET /../posts"},
		{"GET", "/api/query//evil.example/posts", "GET //evil.example/posts"},
		{"GET", "/api/", ""},
		{"GET", "/api/query", ""},
		{"GET", "/api/query/", ""},
		{"GET", "/api/nothing/posts", ""},
		{"GET", "/api/Query/posts", ""},
		{"GET", "/api/%71uery/posts", ""},
		{"GET", "/api/frontend/posts", ""},
		{"GET", "/api/query/metrics", ""},
		{"GET", "/api/query/livez", ""},
		{"GET", "/api/query/readyz", ""},
	} {
		res := ask(h, tt.method, tt.path, "Accept", wantsPage)
		if tt.want == "" {
			if p := problem(t, res); p.Status != 404 || res.status != 404 || p.Type != "urn:newsfeed:problem:not-found" {
				t.Errorf("%s %s: %d %+v, want a problem with 404", tt.method, tt.path, res.status, p)
			}
			continue
		}
		if got := res.body; got != tt.want {
			t.Errorf("%s %s came as %q, want %q", tt.method, tt.path, got, tt.want)
		}
	}
}

// Each service has an address of its own.
func TestProxyServices(t *testing.T) {
	var cfg Config
	for name, u := range map[string]*Upstream{
		"posts": &cfg.PostsURL, "comments": &cfg.CommentsURL, "moderator": &cfg.ModeratorURL,
		"query": &cfg.QueryURL, "eventbus": &cfg.EventBusURL,
	} {
		*u = upstream(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }).PostsURL
	}
	h := newServer(t, built(), cfg)
	for _, name := range []string{"posts", "comments", "moderator", "query", "eventbus"} {
		if got := ask(h, "GET", "/api/"+name+"/x").body; got != name {
			t.Errorf("/api/%s/ leads to %q", name, got)
		}
	}
}

func TestProxyRequestHeaders(t *testing.T) {
	var got http.Header
	var host string
	var trusted web.Proxy
	if err := trusted.UnmarshalText([]byte("10.0.0.0/8")); err != nil {
		t.Fatal(err)
	}
	see := func(_ http.ResponseWriter, r *http.Request) { got, host = r.Header, r.Host }
	h := newServer(t, built(), upstream(t, see), web.WithTrustedProxies([]web.Proxy{trusted}))
	for _, tt := range []struct {
		from, forwarded, want string
	}{
		{"192.0.2.7:4711", "", "192.0.2.7"},
		{"192.0.2.7:4711", "127.0.0.1", "192.0.2.7"}, // made up
		{"[2001:db8::7]:4711", "127.0.0.1, ::1", "2001:db8::7"},
		{"127.0.0.1:4711", "", "127.0.0.1"},
		{"127.0.0.1:4711", "198.51.100.9", "127.0.0.1"},
		{"10.1.2.3:4711", "198.51.100.9", "198.51.100.9, 10.1.2.3"}, // by a trusted proxy
		{"10.1.2.3:4711", "unknown", "unknown, 10.1.2.3"},           // which makes the guards refuse
	} {
		r := httptest.NewRequest("POST", "/api/posts/posts", strings.NewReader("{}"))
		r.RemoteAddr, r.Host = tt.from, "feed.example:3000"
		r.Header = http.Header{
			"Forwarded": {"for=127.0.0.1"}, "X-Forwarded-Host": {"localhost"}, "X-Forwarded-Proto": {"https"},
			"Connection": {"X-Hop, Upgrade"}, "X-Hop": {"1"}, "Upgrade": {"websocket"}, "Te": {"gzip"}, "Proxy-Authorization": {"x"},
			"X-Request-Id": {"request-1"}, "Idempotency-Key": {"key"}, "Authorization": {"Bearer token"}, "Origin": {"http://feed.example:3000"},
		}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		want := http.Header{
			"X-Forwarded-For": {tt.want}, "X-Forwarded-Host": {"feed.example:3000"}, "X-Forwarded-Proto": {"http"},
			"X-Request-Id": {"request-1"}, "Idempotency-Key": {"key"}, "Authorization": {"Bearer token"},
			"Origin": {"http://feed.example:3000"}, "Content-Length": {"2"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers from %s with %q (-want +got):\n%s", tt.from, tt.forwarded, diff)
		}
		if host != "feed.example:3000" {
			t.Errorf("Host came as %s", host)
		}
		if id := w.Result().Header.Values("X-Request-Id"); !cmp.Equal(id, []string{"request-1"}) {
			t.Errorf("X-Request-Id of the answer: %q", id)
		}
	}
}

func TestProxyAnswers(t *testing.T) {
	h := newServer(t, built(), upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		header := w.Header()
		header.Set("X-Request-Id", "another")
		header.Set("Content-Type", "application/problem+json")
		header.Set("ETag", `"3"`)
		header.Set("Link", `<?cursor=x>; rel="next"`)
		header.Set("Connection", "X-Hop")
		header.Set("X-Hop", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, "{}")
	}))
	res := ask(h, "GET", "/api/query/posts")
	for name, want := range map[string][]string{
		"X-Request-Id": {"another"}, "Content-Type": {"application/problem+json"}, "Etag": {`"3"`},
		"Link": {`<?cursor=x>; rel="next"`}, "Content-Length": {"2"}, "Connection": nil, "X-Hop": nil,
	} {
		if diff := cmp.Diff(want, res.header.Values(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := res.body; got != "{}" || res.status != 429 {
		t.Errorf("%d %s", res.status, got)
	}
}

func TestProxyServiceDown(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = taken.Close() // nobody listens there now
	h := newServer(t, built(), at("http://"+taken.Addr().String()))
	for _, method := range []string{"GET", "POST"} {
		res := ask(h, method, "/api/posts/posts")
		if after := res.header.Get("Retry-After"); after != "2" {
			t.Errorf("%s: Retry-After %q", method, after)
		}
		p := problem(t, res)
		want := web.Problem{
			Type: "urn:newsfeed:problem:unavailable", Title: "The service is temporarily unavailable",
			Status: 503, RequestID: res.header.Get("X-Request-Id"),
		}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("%s: problem (-want +got):\n%s", method, diff)
		}
	}
	if res := ask(h, "GET", "/", "Accept", wantsPage); res.status != 200 {
		t.Errorf("the page is %d while the services are down", res.status)
	}
}

// A service that dies in the middle of an answer must not make it look whole.
func TestProxyBrokenAnswer(t *testing.T) {
	cfg := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	srv := httptest.NewServer(newServer(t, built(), cfg))
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL + "/api/query/posts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if got, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("read %q and no error", got)
	}
}

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
	rt, err := newRouter(built(), gateway, web.NewProbes(nil), log)
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

func TestConfig(t *testing.T) {
	cfg, err := web.Load[Config](map[string]string{"QUERY_URL": "https://query.example:8443/"})
	if err != nil || cfg.QueryURL != "https://query.example:8443" || cfg.PostsURL != "http://127.0.0.1:5001" {
		t.Errorf("cfg = %+v, %v", cfg, err)
	}
	for _, wrong := range []string{"query", "query:5004", "ftp://query", "http://", "http://a/b", "http://u:p@a", "http://a?b", "http://a#b"} {
		_, err := web.Load[Config](map[string]string{"QUERY_URL": wrong})
		if err == nil || !strings.Contains(err.Error(), "QUERY_URL") || web.ExitCode(err) != 2 {
			t.Errorf("QUERY_URL=%s: error %v", wrong, err)
		}
	}
}
