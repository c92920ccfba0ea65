package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

const jsonType = "application/json"

// WriteJSON answers with v as JSON. An error means that nothing was written.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	writeBody(w, status, jsonType, body)
	return nil
}

// WriteCached answers 200 with v as JSON and a strong ETag made from its bytes,
// or 304 if the client has just that (If-None-Match). An error means that
// nothing was written.
func WriteCached(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	RenderBody(jsonType, body).Write(w, r)
	return nil
}

// WriteVersion is [WriteCached] for one document, with the ETag that If-Match
// later takes; see [VersionTag].
func WriteVersion(w http.ResponseWriter, r *http.Request, version int64, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	rendered(VersionTag(version), jsonType, body).Write(w, r)
	return nil
}

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body))) // else a long one goes in chunks
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client is gone, and then nobody is there to be told
}

// marshal leaves <, > and & as they are: these answers are no HTML.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("answer %T: %w", v, err)
	}
	return buf.Bytes(), nil
}
