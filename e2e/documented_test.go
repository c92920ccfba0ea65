package e2e

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tmaxmax/go-sse"

	"newsfeed/internal/openapitest"
)

// documents are what the services say of themselves in docs/openapi, read once.
// All answers that the tests get are held against them, so that no route, status,
// header or member is there that is not written down; and at the end, every
// status of every operation must have been seen.
var documents map[string]*openapitest.Document

func loadDocuments() error {
	documents = map[string]*openapitest.Document{}
	for _, name := range append(slices.Clone(services), "eventbus") {
		var err error
		if documents[name], err = openapitest.Load(name); err != nil {
			return err
		}
	}
	return nil
}

// documented fails the test if an answer of a service is not in its document. body
// is nil if it has not been read. Any goroutine may call it.
func documented(t testing.TB, service string, resp *http.Response, sent, body []byte) {
	t.Helper()
	d := documents[service]
	if d == nil {
		t.Errorf("%s has no OpenAPI document", service)
		return
	}
	err := d.Check(openapitest.Exchange{
		Method: resp.Request.Method, URL: resp.Request.URL, RequestBody: sent,
		Status: resp.StatusCode, Header: resp.Header, Body: body,
	})
	if err != nil {
		t.Error(err)
	}
}

// documentedEvent is documented for a server-sent event of the stream at path.
func documentedEvent(t testing.TB, service, path string, e sse.Event) {
	t.Helper()
	if err := documents[service].CheckEvent(path, e); err != nil {
		t.Error(err)
	}
}

// elsewhere reports whether a status is one that no test here sees, such as
// "posts GET /posts 503".
func elsewhere(status string) bool {
	switch status {
	case "posts PATCH /posts/{id} 409", "posts DELETE /posts/{id} 409", "comments PATCH /comments/{id} 409", "comments DELETE /comments/{id} 409",
		"posts POST /posts/{id}/edit-token 409", "posts DELETE /posts/{id}/edit-token 409",
		"comments POST /comments/{id}/edit-token 409", "comments DELETE /comments/{id}/edit-token 409",
		"moderator POST /moderation/blocks 409", "moderator DELETE /moderation/blocks/{id} 409":
		return true // takes twenty lost races in a row
	case "eventbus GET /events/stream 503":
		return true // takes 2,000 streams; internal/web tests the limit
	default:
		return strings.HasSuffix(status, " 408") // takes as long as a server is patient; internal/web tests it
	}
}

// allExercised returns an error that names what the documents have and no test has
// seen, if all tests have run. With -v it says how often each status was seen.
func allExercised() error {
	var errs []error
	for _, name := range append(slices.Clone(services), "eventbus") {
		d := documents[name]
		if testing.Verbose() && !selected() {
			fmt.Fprint(os.Stderr, d.Summary())
		}
		for _, status := range d.Unseen() {
			if status = name + " " + status; !elsewhere(status) && !selected() {
				errs = append(errs, fmt.Errorf("no test has seen %s", status))
			}
		}
	}
	return errors.Join(errs...)
}

// selected reports whether only some of the tests were to be run.
func selected() bool {
	return slices.ContainsFunc([]string{"test.run", "test.skip", "test.list"}, func(name string) bool {
		f := flag.Lookup(name)
		return f != nil && f.Value.String() != ""
	}) || testing.Short()
}
