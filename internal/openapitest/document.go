// Package openapitest holds what the services do over HTTP against what their
// OpenAPI 3.1 documents in docs/openapi say: [Routes] the routes that there are,
// [Members] the types of their answers, [Document.Check] one request and its answer, [Document.Unseen] that every
// operation was asked for.
//
// Of OpenAPI it reads what those documents use: paths, references into any file,
// parameters of path and query with simple values, headers, bodies that are JSON or
// text, and x-itemSchema, which says of a stream of server-sent events what OpenAPI 3.2
// says with itemSchema. Schemas of OpenAPI 3.1 are those of JSON Schema 2020-12.
//
// It is for tests.
package openapitest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is what one service says of itself. It can be used by several
// goroutines at once.
type Document struct {
	service    string
	operations []*operation
	notFound   *response // of paths that the document does not have
	notAllowed *response // of methods that a path does not have
	webhooks   map[string]*jsonschema.Schema
	schemas    node // components/schemas

	mu   sync.Mutex
	seen map[string]map[int]int // answers by operation and status
}

// operation is one method of one path.
type operation struct {
	method, path string
	parameters   []parameter
	body         *jsonschema.Schema // nil for none
	responses    map[string]*response
}

func (o *operation) String() string { return o.method + " " + o.path }

// parameter is one of the path or the query, or a header of a request or answer.
type parameter struct {
	in, name string
	required bool
	schema   *jsonschema.Schema
}

// response is an answer with one status.
type response struct {
	headers []parameter
	content map[string]content // by media type
}

// content is a body of one media type.
type content struct {
	schema *jsonschema.Schema
	item   *jsonschema.Schema // of each server-sent event, nil if it is no stream of them
}

// methods are those that a path can have in a document. HEAD and OPTIONS are
// answered everywhere and not written down.
var methods = []string{"get", "post", "put", "patch", "delete", "trace"}

// Load reads the document of a service, docs/openapi/<service>.yaml of the module
// that the test is in.
func Load(service string) (*Document, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	return load(service, filepath.Join(root, "docs", "openapi"))
}

func load(service, folder string) (*Document, error) {
	r := newReader()
	d := &Document{service: service, webhooks: map[string]*jsonschema.Schema{}, seen: map[string]map[int]int{}}
	doc, common := r.file(filepath.Join(folder, service+".yaml")), r.file(filepath.Join(folder, "common.yaml"))
	for path, item := range doc.at("paths").members() {
		for _, method := range methods {
			if op := item.at(method); op.there() {
				d.operations = append(d.operations, readOperation(strings.ToUpper(method), path, item, op))
			}
		}
	}
	for name, item := range doc.at("webhooks").members() {
		d.webhooks[name] = item.at("post", "requestBody", "content", "application/json", "schema").schema()
	}
	// /posts/stream is looked for before /posts/{id}.
	slices.SortFunc(d.operations, func(a, b *operation) int {
		return strings.Compare(strings.ReplaceAll(a.path, "{", "~"), strings.ReplaceAll(b.path, "{", "~"))
	})
	d.schemas = doc.at("components", "schemas")
	d.notFound = readResponse(common.at("components", "responses", "NotFound"))
	d.notAllowed = readResponse(common.at("components", "responses", "MethodNotAllowed"))
	if err := errors.Join(r.errs...); err != nil {
		return nil, fmt.Errorf("OpenAPI document of %s: %w", service, err)
	}
	return d, nil
}

func readOperation(method, path string, item, op node) *operation {
	o := &operation{method: method, path: path, responses: map[string]*response{}}
	for _, list := range []node{item.at("parameters"), op.at("parameters")} {
		for _, p := range list.elements() {
			o.parameters = append(o.parameters, readParameter(p, p.at("in").text(), p.at("name").text()))
		}
	}
	if body := op.at("requestBody"); body.there() {
		o.body = body.at("content", "application/json", "schema").schema()
	}
	for status, r := range op.at("responses").members() {
		o.responses[status] = readResponse(r)
	}
	return o
}

func readParameter(p node, in, name string) parameter {
	return parameter{in: in, name: name, required: p.at("required").value == true, schema: p.at("schema").schema()}
}

func readResponse(r node) *response {
	res := &response{content: map[string]content{}}
	for name, h := range r.at("headers").members() {
		res.headers = append(res.headers, readParameter(h, "header", name))
	}
	for mediaType, c := range r.at("content").members() {
		body := content{schema: c.at("schema").schema()}
		if item := c.at("x-itemSchema"); item.there() {
			body.item = item.schema()
		}
		res.content[mediaType] = body
	}
	return res
}

// moduleRoot is the folder that holds go.mod, at or above the present one.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", errors.New("no go.mod here or above")
		}
		folder = above
	}
}
