package frontend

import (
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestEncodings(t *testing.T) {
	const plain = "let feed = 'the feed, at length'"
	h := newServer(t, fstest.MapFS{
		"index.html":          {Data: []byte("<title>the feed</title>")},
		"assets/a-D4x9.js":    {Data: []byte(plain)},
		"assets/a-D4x9.js.br": {Data: []byte("as brotli")},
		"assets/a-D4x9.js.gz": {Data: []byte("as gzip")},
		"assets/orphan.js.gz": {Data: []byte("of nothing")},
	}, Config{})
	const js = "/assets/a-D4x9.js"
	tags := map[string]string{}
	for _, tt := range []struct{ accept, encoding, body string }{
		{"", "", plain},
		{"identity", "", plain},
		{"gzip, deflate, br, zstd", "br", "as brotli"},
		{"gzip", "gzip", "as gzip"},
		{"GZIP;q=0.5", "gzip", "as gzip"},
		{"br;q=0, gzip", "gzip", "as gzip"},
		{"br; Q=0.0, gzip;q=0", "", plain},
		{"*", "br", "as brotli"},
		{"*;q=0", "", plain},
		{"br;q=0, *", "gzip", "as gzip"},
		{"br;q=much", "", plain},
		{"brotli, xgzip", "", plain},
	} {
		res := ask(h, "GET", js, "Accept-Encoding", tt.accept)
		if got := res.header.Get("Content-Encoding"); got != tt.encoding || res.body != tt.body {
			t.Errorf("%q: %q %q, want %q %q", tt.accept, got, res.body, tt.encoding, tt.body)
		}
		if got := res.header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("%q: Content-Type %s", tt.accept, got)
		}
		if got := res.header.Get("Content-Length"); got != strconv.Itoa(len(tt.body)) {
			t.Errorf("%q: Content-Length %s, want %d", tt.accept, got, len(tt.body))
		}
		if got := res.header.Values("Vary"); len(got) != 1 || got[0] != "Accept-Encoding" {
			t.Errorf("%q: Vary %q", tt.accept, got)
		}
		tag := res.header.Get("ETag")
		if other, ok := tags[tag]; ok && other != tt.encoding {
			t.Errorf("%q has the tag of %q", tt.encoding, other)
		}
		tags[tag] = tt.encoding
		again := ask(h, "GET", js, "Accept-Encoding", tt.accept, "If-None-Match", tag)
		if again.status != 304 || again.body != "" || again.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q with its tag: %d %q, Vary %q", tt.accept, again.status, again.body, again.header.Get("Vary"))
		}
	}
	if len(tags) != 3 {
		t.Errorf("%d tags for 3 forms", len(tags))
	}
	if res := ask(h, "GET", "/", "Accept-Encoding", "gzip"); res.header.Get("Vary") != "" || res.header.Get("Content-Encoding") != "" {
		t.Errorf("a file with one form: Vary %q, Content-Encoding %q", res.header.Get("Vary"), res.header.Get("Content-Encoding"))
	}
	for _, path := range []string{js + ".br", js + ".gz", "/assets/orphan.js", "/assets/orphan.js.gz"} {
		if res := ask(h, "GET", path); res.status != 404 {
			t.Errorf("%s: %d, want 404", path, res.status)
		}
	}
}

// The build makes both forms of what is large, where there is a build.
func TestBuildIsCompressed(t *testing.T) {
	site, built, err := Site()
	if err != nil {
		t.Fatal(err)
	}
	if !built {
		t.Skip("the page is not built")
	}
	assets, err := fs.Glob(site, "assets/*.js")
	if err != nil || len(assets) == 0 {
		t.Fatalf("no scripts (%v)", err)
	}
	h := newServer(t, site, Config{})
	for _, name := range assets {
		if info, err := fs.Stat(site, name); err != nil || info.Size() < 1000 {
			continue
		}
		for _, encoding := range []string{"br", "gzip"} {
			res := ask(h, "GET", "/"+name, "Accept-Encoding", encoding)
			if res.header.Get("Content-Encoding") != encoding || strings.HasPrefix(res.body, "import") {
				t.Errorf("%s is not sent as %s", name, encoding)
			}
		}
	}
}
