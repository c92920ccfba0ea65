package openapitest

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// reader reads files of YAML or JSON that refer to each other.
type reader struct {
	files    map[string]any // by path
	compiler *jsonschema.Compiler
	errs     []error // what is wrong with the documents
}

func newReader() *reader {
	r := &reader{files: map[string]any{}, compiler: jsonschema.NewCompiler()}
	r.compiler.AssertFormat()
	r.compiler.AssertContent()
	r.compiler.UseLoader(r)
	return r
}

// Load implements [jsonschema.URLLoader].
func (r *reader) Load(url string) (any, error) {
	return r.read(strings.TrimPrefix(url, "file://"))
}

func (r *reader) read(path string) (any, error) {
	if doc, ok := r.files[path]; ok {
		return doc, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // of this module's documents
	if err != nil {
		return nil, err
	}
	if filepath.Ext(path) == ".yaml" {
		if text, err = yaml.YAMLToJSON(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.files[path] = doc
	return doc, nil
}

func (r *reader) file(path string) node {
	doc, err := r.read(path)
	if err != nil {
		r.errs = append(r.errs, err)
	}
	return node{r: r, path: path, value: doc}
}

// node is a value in a document, with its place.
type node struct {
	r       *reader
	path    string
	pointer string // RFC 6901
	value   any    // nil if there is none
}

func (n node) there() bool { return n.value != nil }

func (n node) String() string { return filepath.Base(n.path) + "#" + n.pointer }

func (n node) fail(format string, args ...any) {
	n.r.errs = append(n.r.errs, fmt.Errorf("%s: %s", n, fmt.Sprintf(format, args...)))
}

// at returns the value at the end of a path of names, and follows references on
// the way.
func (n node) at(names ...string) node {
	for _, name := range names {
		object, _ := n.value.(map[string]any)
		n = n.child(name, object[name]).resolved()
	}
	return n
}

func (n node) child(name string, value any) node {
	name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	return node{n.r, n.path, n.pointer + "/" + name, value}
}

// resolved follows a reference. Beside it nothing else counts, but in schemas,
// which are not read here.
func (n node) resolved() node {
	object, _ := n.value.(map[string]any)
	ref, ok := object["$ref"].(string)
	if !ok || n.isSchema() {
		return n
	}
	file, pointer, _ := strings.Cut(ref, "#")
	target := node{r: n.r, path: n.path}
	if file != "" {
		target.path = filepath.Join(filepath.Dir(n.path), file)
	}
	target = n.r.file(target.path)
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		target = target.at(strings.NewReplacer("~1", "/", "~0", "~").Replace(part))
	}
	if !target.there() {
		n.fail("%s leads nowhere", ref)
	}
	return target
}

// isSchema reports whether references in n are for the compiler of schemas.
func (n node) isSchema() bool {
	return strings.HasSuffix(n.pointer, "/schema") || strings.HasSuffix(n.pointer, "/x-itemSchema") ||
		strings.HasPrefix(n.pointer, "/components/schemas/")
}

// members yields the members of an object by their names.
func (n node) members() iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		object, _ := n.value.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if !yield(name, n.at(name)) {
				return
			}
		}
	}
}

func (n node) elements() []node {
	list, _ := n.value.([]any)
	var all []node
	for i, value := range list {
		all = append(all, n.child(strconv.Itoa(i), value).resolved())
	}
	return all
}

func (n node) text() string {
	s, _ := n.value.(string)
	return s
}

// schema compiles the schema that n is.
func (n node) schema() *jsonschema.Schema {
	if !n.there() {
		n.fail("there is no schema")
		return nil
	}
	s, err := n.r.compiler.Compile("file://" + n.path + "#" + strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D").Replace(n.pointer))
	if err != nil {
		n.fail("%v", err)
	}
	return s
}
