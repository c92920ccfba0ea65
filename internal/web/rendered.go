package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// Rendered is an answer that is made once and may be given often, also by many
// at a time: the bytes of a 200 with their strong ETag. Its headers are values
// that every answer shares, so that to give it costs no memory.
type Rendered struct {
	body                       []byte
	tag                        string
	etag, typ, length, control []string
	link                       []string // nil for none
}

// Render returns v as JSON.
func Render(v any) (*Rendered, error) {
	body, err := marshal(v)
	if err != nil {
		return nil, err
	}
	return RenderBody(jsonType, bytes.Clone(body)), nil // without the room that the encoder left
}

// RenderBody returns an answer of another type. body must not be changed any more.
func RenderBody(contentType string, body []byte) *Rendered {
	sum := sha256.Sum256(body)
	return rendered(`"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`, contentType, body)
}

func rendered(tag, contentType string, body []byte) *Rendered {
	return &Rendered{
		body: body, tag: tag, etag: []string{tag}, typ: []string{contentType},
		length: []string{strconv.Itoa(len(body))}, control: []string{"no-cache"}, // keep it, but ask each time
	}
}

// Next says where the next page is, at the same address with another query; see
// [NextLink].
func (a *Rendered) Next(query url.Values, name, value string) {
	next := url.Values{} // query may be nil
	maps.Copy(next, query)
	a.link = []string{nextLink(next, name, value)}
}

// Size is how many bytes the body has.
func (a *Rendered) Size() int { return len(a.body) }

// Write answers 200 with the whole, or 304 if the client has just that
// (If-None-Match).
func (a *Rendered) Write(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["Etag"], header["Cache-Control"] = a.etag, a.control
	if a.link != nil {
		header["Link"] = a.link
	}
	if noneMatch(r, a.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	// Without its length net/http would send a long body in chunks.
	header["Content-Type"], header["Content-Length"] = a.typ, a.length
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(a.body) // fails only if the client is gone, and then nobody is there to be told
}

func nextLink(query url.Values, name, value string) string {
	query.Set(name, value)
	return "<?" + query.Encode() + `>; rel="next"`
}
