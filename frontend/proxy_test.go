package frontend

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		res := ask(h, tt.method, tt.path, "Accept", wantsPage, "Authorization", "Bearer token")
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
		if got := ask(h, "GET", "/api/"+name+"/x", "Authorization", "Bearer token").body; got != name {
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

// A body that the client sends wrongly is the client's fault, not the service's
// nor ours.
func TestProxyBrokenBody(t *testing.T) {
	cfg := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})
	server := httptest.NewServer(newServer(t, built(), cfg))
	defer server.Close()
	for name, body := range map[string]string{
		"a chunk that is none":     "zz\r\n",
		"a chunk beyond all sizes": "fffffffffffffffff\r\n",
		"a chunk without its end":  "2\r\nabc\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, err = fmt.Fprintf(conn, "POST /api/posts/posts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%s", body)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d, want 400", res.StatusCode)
			}
		})
	}
}
