// Package frontend serves the page that people use: the files that Vite has
// built from src, and /api/<service>/… passed on to the services.
//
// In: HTTP. Out: HTTP to posts, comments, moderator, query and eventbus. It keeps
// nothing, and needs no Redis.
package frontend

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"newsfeed/internal/web"
)

// newRouter returns the router; more adds routes before those that take all paths.
func newRouter(site fs.FS, gateway *proxy, probes *web.Probes, more func(*web.Router), log *slog.Logger, opts ...web.Option) (*web.Router, error) {
	pages, err := newFiles(site)
	if err != nil {
		return nil, err
	}
	rt := web.NewRouter(log, opts...)
	probes.Routes(rt)
	more(rt)
	rt.HandlePrefix("/api/", gateway.serve)
	rt.HandlePrefix("/", pages.serve)
	return rt, nil
}

const (
	index = "index.html"
	// assets is the folder of files whose names hold a hash of their content.
	assets = "/assets/"
	// policy lets the page do nothing but what it does: its own scripts, styles
	// and images, and requests to where it comes from. A text that got past the
	// page as HTML could still run nothing.
	policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
		"img-src 'self' data:; font-src 'self'; manifest-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// files are the page's files by their path. All are in memory: they are part of
// the program.
type files struct {
	at map[string]file
}

type file struct {
	plain body
	// encoded holds the compressed forms that the build has made, by encoding.
	encoded map[string]body
	typ     string
}

// body is one form of a file's content, with the tag of this very form.
type body struct {
	content []byte
	tag     string
}

// newFiles reads every file of site but those whose names begin with a point.
func newFiles(site fs.FS) (*files, error) {
	type form struct {
		encoding string
		body
	}
	f, encoded := &files{at: map[string]file{}}, map[string][]form{}
	err := fs.WalkDir(site, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		content, err := fs.ReadFile(site, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		b := body{content, `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`}
		if encoding, of, ok := encodedAs(name); ok {
			encoded["/"+of] = append(encoded["/"+of], form{encoding, b})
		} else {
			f.at["/"+name] = file{b, map[string]body{}, mediaType(path.Ext(name))}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page's files: %w", err)
	}
	for name, forms := range encoded {
		for _, e := range forms {
			if of, ok := f.at[name]; ok {
				of.encoded[e.encoding] = e.body
			}
		}
	}
	if _, ok := f.at["/"+index]; !ok {
		return nil, fmt.Errorf("the page's files have no %s", index)
	}
	return f, nil
}

// mediaType does not ask the machine's own tables for what must be right
// everywhere: with nosniff, a script of another type does not run.
func mediaType(ext string) string {
	switch ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	if typ := mime.TypeByExtension(ext); typ != "" {
		return typ
	}
	return "application/octet-stream"
}

func (f *files) serve(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		return fmt.Errorf("%w: pages have GET, HEAD", web.ErrMethod)
	}
	found, ok := f.at[r.URL.Path]
	if !ok && (r.URL.Path == "/" || isNavigation(r)) {
		found, ok = f.at["/"+index]
	}
	if !ok {
		return fmt.Errorf("%w: no such file", web.ErrNotFound)
	}
	header.Set("Cache-Control", "no-cache") // keep it, but ask each time
	if strings.HasPrefix(r.URL.Path, assets) {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("Content-Type", found.typ)
	sent, encoding := found.choose(r)
	if len(found.encoded) > 0 {
		header.Add("Vary", "Accept-Encoding")
	}
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
		header.Set("Content-Length", strconv.Itoa(len(sent.content))) // which ServeContent then leaves out
	}
	header.Set("ETag", sent.tag)
	return serveContent(w, r, sent.content)
}

// serveContent is [http.ServeContent] with problem documents for what it refuses in
// plain text.
func serveContent(w http.ResponseWriter, r *http.Request, content []byte) error {
	refusable := &refusal{ResponseWriter: w}
	http.ServeContent(refusable, r, "", time.Time{}, bytes.NewReader(content))
	switch refusable.status {
	case 0:
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		return fmt.Errorf("%w: the file has %d bytes", web.ErrRange, len(content))
	default:
		return fmt.Errorf("%w: the file is another", web.ErrPrecondition)
	}
}

// refusal holds back an answer of 400 and above.
type refusal struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *refusal) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.status = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [io.Writer].
func (w *refusal) Write(p []byte) (int, error) {
	if w.status != 0 {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// isNavigation reports whether a person goes to an address of the page, which
// the page itself then makes sense of. Files are only at the root and among the
// assets; deeper down a point may be part of an id.
func isNavigation(r *http.Request) bool {
	p := r.URL.Path
	if p == "/api" || strings.HasPrefix(p, assets) || path.Dir(p) == "/" && path.Ext(p) != "" {
		return false
	}
	for _, line := range r.Header.Values("Accept") {
		for accepted := range strings.SplitSeq(line, ",") {
			typ, _, _ := strings.Cut(accepted, ";")
			if strings.EqualFold(strings.TrimSpace(typ), "text/html") {
				return true
			}
		}
	}
	return false
}
