package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Exchange is a request and its answer.
type Exchange struct {
	Method      string
	URL         *url.URL
	RequestBody []byte
	Status      int
	Header      http.Header // of the answer
	Body        []byte      // of the answer; nil if it has not been read, as of a stream
}

// anywhere are the headers that any answer may have. Those that say something
// about what is asked for must be in the document.
var anywhere = []string{
	"Cache-Control", "Connection", "Content-Length", "Content-Security-Policy", "Content-Type", "Cross-Origin-Resource-Policy",
	"Date", "Referrer-Policy", "Vary", "X-Content-Type-Options", "X-Request-Id",
}

// limited are the headers of a rate limit, which are also on the refusals of a
// write: the limit comes first.
var limited = []string{"Ratelimit", "Ratelimit-Policy"}

// Check returns an error if the document does not have the answer, or, where the
// request was carried out, the request. It counts what it has; see [Document.Unseen].
func (d *Document) Check(x Exchange) error {
	if x.Method == http.MethodOptions && x.Status == http.StatusNoContent {
		return nil // the same for every path
	}
	err := d.check(x)
	if err != nil {
		return fmt.Errorf("not as docs/openapi/%s.yaml has it: %s %s, %d: %w", d.service, x.Method, x.URL.RequestURI(), x.Status, err)
	}
	return nil
}

func (d *Document) check(x Exchange) error {
	op, known := d.find(x.Method, x.URL.EscapedPath())
	switch {
	case op == nil && !known && x.Status == http.StatusNotFound:
		return d.notFound.check(x)
	case op == nil && known && x.Status == http.StatusMethodNotAllowed:
		return d.notAllowed.check(x)
	case op == nil:
		return errors.New("there is no such operation")
	}
	r := op.responses[strconv.Itoa(x.Status)]
	if r == nil {
		return errors.New("there is no such status")
	}
	if err := r.check(x); err != nil {
		return err
	}
	if x.Status < http.StatusMultipleChoices {
		if err := op.asked(x); err != nil {
			return fmt.Errorf("the request was carried out: %w", err)
		}
	}
	d.count(op, x.Status)
	return nil
}

// find returns the operation of a method and a path, nil if there is none, and
// whether there is any for the path. Of two that match, the one without a name
// in it is the path.
func (d *Document) find(method, path string) (op *operation, known bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	first := ""
	for _, o := range d.operations {
		if _, ok := values(o.path, path); !ok || known && o.path != first {
			continue
		}
		first, known = o.path, true
		if o.method == method {
			return o, true
		}
	}
	return nil, known
}

// values returns what stands in a path for the names in a template.
func values(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	found := map[string]string{}
	for i, part := range want {
		name, isName := strings.CutPrefix(part, "{")
		switch {
		case isName && got[i] != "":
			// What does not decode is no value of anything.
			found[strings.TrimSuffix(name, "}")], _ = url.PathUnescape(got[i])
		case part != got[i]:
			return nil, false
		}
	}
	return found, true
}

// check holds the answer against what is said of its status.
func (r *response) check(x Exchange) error {
	var errs []error
	for _, h := range r.headers {
		lines := x.Header.Values(h.name)
		if len(lines) == 0 && h.required {
			errs = append(errs, fmt.Errorf("the header %s is missing", h.name))
		}
		for _, line := range lines {
			if err := h.check(line); err != nil {
				errs = append(errs, err)
			}
		}
	}
	for name := range x.Header {
		documented := slices.ContainsFunc(r.headers, func(h parameter) bool { return strings.EqualFold(h.name, name) })
		free := slices.Contains(anywhere, name) || strings.HasPrefix(name, "Access-Control-") ||
			x.Status >= http.StatusBadRequest && slices.Contains(limited, name)
		if !documented && !free {
			errs = append(errs, fmt.Errorf("the header %s is not documented", name))
		}
	}
	return errors.Join(append(errs, r.checkBody(x))...)
}

func (r *response) checkBody(x Exchange) error {
	given := x.Header.Get("Content-Type")
	if len(r.content) == 0 {
		if given != "" || len(x.Body) > 0 {
			return fmt.Errorf("a body is not documented: %q %.300q", given, x.Body)
		}
		return nil
	}
	typ, _, err := mime.ParseMediaType(given)
	c, ok := r.content[typ]
	switch {
	case err != nil || !ok:
		return fmt.Errorf("the Content-Type %q is not documented", given)
	case x.Method == http.MethodHead || x.Body == nil:
		return nil
	case c.item != nil:
		return c.checkEvents(x.Body)
	}
	if err := conformsAs(typ, c.schema, x.Body); err != nil {
		return fmt.Errorf("%w\nof %.2000s", err, x.Body)
	}
	if x.Status >= http.StatusBadRequest {
		return saysStatus(x)
	}
	return nil
}

// saysStatus holds a problem document to the status that it came with.
func saysStatus(x Exchange) error {
	var problem struct{ Status int }
	if err := json.Unmarshal(x.Body, &problem); err != nil || problem.Status != x.Status {
		return fmt.Errorf("the problem says status %d (%w)", problem.Status, err)
	}
	return nil
}

// asked holds a request that was carried out against what can be asked.
func (o *operation) asked(x Exchange) error {
	var errs []error
	if o.body != nil {
		errs = append(errs, conforms(o.body, x.RequestBody))
	}
	inPath, _ := values(o.path, x.URL.EscapedPath())
	query := x.URL.Query()
	known := map[string]bool{}
	for _, p := range o.parameters {
		switch p.in {
		case "path":
			errs = append(errs, p.check(inPath[p.name]))
		case "query":
			known[p.name] = true
			for _, value := range query[p.name] {
				errs = append(errs, p.check(value))
			}
		}
	}
	for name := range query {
		if !known[name] {
			errs = append(errs, fmt.Errorf("the query parameter %s is not documented", name))
		}
	}
	return errors.Join(errs...)
}

// check holds one value of a parameter or header against its schema.
func (p parameter) check(text string) error {
	var value any = text
	if p.schema.Types != nil && slices.Contains(p.schema.Types.ToStrings(), "integer") {
		value = json.Number(text)
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("%s %s is no integer: %q", p.in, p.name, text)
		}
	}
	if err := p.schema.Validate(value); err != nil {
		return fmt.Errorf("%s %s = %q: %w", p.in, p.name, text, err)
	}
	return nil
}

// conformsAs is conforms for a body of a media type: what is no JSON is a text.
func conformsAs(mediaType string, schema *jsonschema.Schema, body []byte) error {
	if strings.HasSuffix(mediaType, "json") {
		return conforms(schema, body)
	}
	return schema.Validate(string(body))
}

// conforms reports how a text is not the JSON that a schema describes.
func conforms(schema *jsonschema.Schema, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: %.300q", err, text)
	}
	return schema.Validate(value)
}
