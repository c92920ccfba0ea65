package frontend

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

const (
	wantsPage = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	wantsFile = "*/*"
)

// built is what Vite might have built.
func built() fs.FS {
	return fstest.MapFS{
		".gitkeep":              {},
		"index.html":            {Data: []byte("<title>the feed</title>")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/index-D4x9.js":  {Data: []byte("let feed")},
		"assets/index-B1y2.css": {Data: []byte("body{}")},
	}
}

func newServer(t *testing.T, site fs.FS, cfg Config, opts ...web.Option) http.Handler {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	gateway := newProxy(cfg, log)
	t.Cleanup(gateway.close)
	rt, err := newRouter(site, gateway, web.NewProbes(func(context.Context) error { return nil }), func(*web.Router) {}, log, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

// answer is what a handler answered, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func ask(h http.Handler, method, target string, header ...string) answer {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func TestFiles(t *testing.T) {
	const forEver, askEachTime, never = "public, max-age=31536000, immutable", "no-cache", "no-store"
	h := newServer(t, built(), Config{})
	for _, tt := range []struct {
		method, path, accept string
		status               int
		typ, cache           string
	}{
		{"GET", "/", wantsPage, 200, "text/html; charset=utf-8", askEachTime},
		{"GET", "/", wantsFile, 200, "text/html; charset=utf-8", askEachTime}, // curl
		{"HEAD", "/", wantsFile, 200, "text/html; charset=utf-8", askEachTime},
		{"GET", "/index.html", wantsFile, 200, "text/html; charset=utf-8", askEachTime},
		{"GET", "/favicon.svg", wantsFile, 200, "image/svg+xml", askEachTime},
		{"GET", "/assets/index-D4x9.js", wantsFile, 200, "text/javascript; charset=utf-8", forEver},
		{"GET", "/assets/index-B1y2.css", "text/css,*/*;q=0.1", 200, "text/css; charset=utf-8", forEver},
		{"GET", "/posts/7", wantsPage, 200, "text/html; charset=utf-8", askEachTime},
		{"GET", "/posts/of.js", wantsPage, 200, "text/html; charset=utf-8", askEachTime}, // an id may look so
		{"GET", "/no/such/page", wantsPage, 200, "text/html; charset=utf-8", askEachTime},
		{"HEAD", "/posts/7", wantsPage, 200, "text/html; charset=utf-8", askEachTime},
		{"GET", "/posts/7", wantsFile, 404, "application/problem+json", never},
		{"GET", "/posts/7", "application/json", 404, "application/problem+json", never},
		{"GET", "/assets/index-gone.js", wantsFile, 404, "application/problem+json", never},
		{"GET", "/assets/index-gone.js", wantsPage, 404, "application/problem+json", never},
		{"GET", "/assets/", wantsPage, 404, "application/problem+json", never},
		{"GET", "/robots.txt", wantsPage, 404, "application/problem+json", never},
		{"GET", "/.gitkeep", wantsPage, 404, "application/problem+json", never},
		{"GET", "/api", wantsPage, 404, "application/problem+json", never},
		{"GET", "/assets/../index.html", wantsFile, 404, "application/problem+json", never},
		{"POST", "/posts/7", wantsPage, 405, "application/problem+json", never},
		{"DELETE", "/", wantsPage, 405, "application/problem+json", never},
	} {
		res := ask(h, tt.method, tt.path, "Accept", tt.accept)
		if res.status != tt.status || res.header.Get("Content-Type") != tt.typ || res.header.Get("Cache-Control") != tt.cache {
			t.Errorf("%s %s (%s): %d %s, %s; want %d %s, %s", tt.method, tt.path, tt.accept,
				res.status, res.header.Get("Content-Type"), res.header.Get("Cache-Control"), tt.status, tt.typ, tt.cache)
		}
		if allow := res.header.Get("Allow"); (tt.status == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: Allow %q", tt.method, tt.path, allow)
		}
		want := map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		}
		for name, value := range want {
			if diff := cmp.Diff([]string{value}, res.header.Values(name)); diff != "" {
				t.Errorf("%s %s: %s (-want +got):\n%s", tt.method, tt.path, name, diff)
			}
		}
	}
}

func TestPolicyPermitsNothingInline(t *testing.T) {
	if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; ") {
		t.Errorf("policy is %s", policy)
	}
}

func TestFilesAreNotSentTwice(t *testing.T) {
	h := newServer(t, built(), Config{})
	first := ask(h, "GET", "/", "Accept", wantsPage)
	if got := first.body; got != "<title>the feed</title>" {
		t.Fatalf("the page is %q", got)
	}
	tag := first.header.Get("ETag")
	again := ask(h, "GET", "/posts/7", "Accept", wantsPage, "If-None-Match", tag)
	if got := again.body; again.status != 304 || got != "" {
		t.Errorf("with the tag %s: %d %q, want 304 and nothing", tag, again.status, got)
	}
	other := newServer(t, fstest.MapFS{"index.html": {Data: []byte("<title>new</title>")}}, Config{})
	if res := ask(other, "GET", "/", "If-None-Match", tag); res.body != "<title>new</title>" {
		t.Errorf("a new build is answered %d to the tag of the old one", res.status)
	}
}

func TestProbes(t *testing.T) {
	h := newServer(t, built(), Config{})
	for _, path := range []string{"/livez", "/readyz"} {
		if res := ask(h, "GET", path, "Accept", wantsPage); res.body != `{"status":"ok"}`+"\n" {
			t.Errorf("%s: %d", path, res.status)
		}
	}
}

// A program that was built without Node says how to get the page, within the
// same policy.
func TestPlaceholder(t *testing.T) {
	site, err := fs.Sub(placeholder, "placeholder")
	if err != nil {
		t.Fatal(err)
	}
	h := newServer(t, site, Config{})
	page := ask(h, "GET", "/posts/7", "Accept", wantsPage).body
	for _, want := range []string{"not built yet", "make run", "make frontend", "20.19", `href="/placeholder.css"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, never := range []string{"<style", "<script", "style="} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s, which its policy forbids", never)
		}
	}
	if css := ask(h, "GET", "/placeholder.css"); css.status != 200 || css.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("its style: %d %s", css.status, css.header.Get("Content-Type"))
	}
}

// Whatever is embedded in this very program can be served.
func TestSite(t *testing.T) {
	site, built, err := Site()
	if err != nil {
		t.Fatal(err)
	}
	res := ask(newServer(t, site, Config{}), "GET", "/", "Accept", wantsPage)
	page := res.body
	if res.status != 200 || strings.Contains(page, "not built yet") == built {
		t.Errorf("built: %t, but the page is %d %.200s", built, res.status, page)
	}
	if strings.Contains(page, "<style") || strings.Contains(page, "<script>") {
		t.Errorf("the page has inline styles or scripts, which its policy forbids: %s", page)
	}
}

func TestNoPage(t *testing.T) {
	if _, err := newFiles(fstest.MapFS{"a.js": {}}); err == nil {
		t.Error("no error for a site without a page")
	}
}

// problem reads a problem document.
func problem(t *testing.T, res answer) web.Problem {
	t.Helper()
	if typ := res.header.Get("Content-Type"); typ != "application/problem+json" {
		t.Errorf("Content-Type %s", typ)
	}
	var p web.Problem
	if err := json.Unmarshal([]byte(res.body), &p); err != nil {
		t.Error(err)
	}
	return p
}
