package query

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// scripts is how often pages have been read from Redis.
func (r *replica) scripts() int64 {
	r.t.Helper()
	text, err := r.client.Info(r.t.Context(), "commandstats").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "cmdstat_evalsha_ro:calls=")
	calls := int64(0)
	for _, digit := range rest {
		if digit < '0' || digit > '9' {
			break
		}
		calls = 10*calls + int64(digit-'0')
	}
	return calls
}

// ask sends a request with headers, as name and value, and returns the status and
// headers of the answer.
func (r *replica) ask(path string, headers ...string) (int, http.Header) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// warm asks until pages are given from the cache.
func (r *replica) warm(path string) {
	r.t.Helper()
	bustest.Eventually(r.t, 10*time.Second, path+" is kept", func() bool {
		r.get(path)
		before := r.scripts()
		r.get(path)
		return r.scripts() == before
	})
}

// Pages of all kinds are given again without a reading, whole or as 304, with the
// same headers, for as long as nothing changes.
func TestPagesAreKept(t *testing.T) {
	r := newReplica(t, bustest.Start(t).Addr())
	var at clock
	for i := range 3 {
		r.post(at.next(), "p"+number(i), "post", 1)
		r.comment(at.next(), "p1", "c"+number(i), "text", event.Approved, 1)
	}
	for _, path := range []string{"/posts", "/posts?limit=2", "/posts/p1", "/posts/p1/comments", "/posts/p1/comments?limit=1"} {
		_, read := r.get(path)
		_, first := r.ask(path)
		r.warm(path)
		const times = 200
		before := r.scripts()
		for range times {
			_, again := r.ask(path)
			for _, name := range []string{"Etag", "Link", "Content-Type", "Content-Length", "Cache-Control"} {
				if diff := cmp.Diff(first[name], again[name]); diff != "" {
					t.Fatalf("%s: %s: %s", path, name, diff)
				}
			}
			if status, _ := r.ask(path, "If-None-Match", first.Get("ETag")); status != http.StatusNotModified {
				t.Fatalf("%s: %d for what the client has", path, status)
			}
		}
		if _, kept := r.get(path); kept != read {
			t.Errorf("%s: kept is %s, read was %s", path, kept, read)
		}
		if n := r.scripts() - before; n > times/4 {
			t.Errorf("%s: %d of %d were read", path, n, 2*times)
		}
	}
	if _, header := r.ask("/posts?limit=2"); header.Get("Link") == "" {
		t.Error("the link to the next page is lost")
	}
	if status, _ := r.get("/posts?limit=0"); status != http.StatusBadRequest {
		t.Errorf("%d for a wrong limit", status)
	}
}

// Who has been told of a change gets no page without it, from whichever replica;
// and what is not known to be newer is read.
func TestLastEventIDGoesAroundTheCache(t *testing.T) {
	server := bustest.Start(t)
	r := newReplica(t, server.Addr())
	ahead := withoutHub(t, server.Addr(), web.StreamOptions{})
	var at clock
	r.post(at.next(), "p", "post", 1)
	r.warm("/posts")
	before := r.scripts()
	for range 20 {
		r.ask("/posts", "Last-Event-ID", r.changesSince("0")[0])
	}
	if n := r.scripts() - before; n > 10 {
		t.Errorf("%d of 20 were read that asked for no more than was kept", n)
	}
	for range 20 {
		ahead.post(at.next(), "p", "post", int64(at.n.Load()))
		ids := r.changesSince("0")
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/posts", nil)
		req.Header.Set("Last-Event-ID", ids[len(ids)-1])
		if got := versionOf(&http.Client{Transport: with(req.Header)}, r.url+"/posts"); got != int64(at.n.Load()) {
			t.Errorf("version %d after %s, want %d", got, ids[len(ids)-1], at.n.Load())
		}
	}
	r.warm("/posts")
	before = r.scripts()
	r.ask("/posts", "Last-Event-ID", "what")
	if r.scripts() == before {
		t.Error("an id that is none was taken for an old one")
	}
}

// with sends the headers with every request.
type with http.Header

// RoundTrip implements http.RoundTripper.
func (h with) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header = http.Header(h)
	return http.DefaultTransport.RoundTrip(r)
}

// The cache keeps to its bound, whatever is asked for.
func TestTheCacheIsBounded(t *testing.T) {
	c := newCache(nil)
	body := web.RenderBody("text/plain", make([]byte, 100<<10))
	for i := range 2_000 {
		c.kept.Set(pageKey{"/posts", number(i)}, &keptPage{Rendered: body})
	}
	if w := c.kept.WeightedSize(); w > maxCached || w < maxCached/2 {
		t.Errorf("%d bytes are kept", w)
	}
}

// While pages can be given the service is ready, whatever Redis says.
func TestServable(t *testing.T) {
	server := bustest.Start(t)
	r := newReplica(t, server.Addr())
	var at clock
	if r.hub.cache.servable() {
		t.Error("servable before anything has been read")
	}
	r.post(at.next(), "p", "post", 1)
	r.warm("/posts")
	if !r.hub.cache.servable() {
		t.Error("not servable right after it has served")
	}
	server.Kill()
	bustest.Eventually(t, 10*time.Second, "not servable without Redis", func() bool { return !r.hub.cache.servable() })
}
