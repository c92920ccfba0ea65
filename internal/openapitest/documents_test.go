package openapitest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"newsfeed/internal/event"
)

// documents are the files in docs/openapi, by their names without .yaml.
func documents(t *testing.T) map[string]node {
	t.Helper()
	paths, err := filepath.Glob("../../docs/openapi/*.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	r := newReader()
	docs := map[string]node{}
	for _, path := range paths {
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		docs[strings.TrimSuffix(filepath.Base(path), ".yaml")] = r.file(path)
	}
	t.Cleanup(func() {
		for _, err := range r.errs {
			t.Error(err)
		}
	})
	return docs
}

// What OpenAPI asks of a document and this package does not read by itself.
func TestDocumentsAreWhole(t *testing.T) {
	for name, doc := range documents(t) {
		info := doc.at("info")
		if v := doc.at("openapi").text(); !strings.HasPrefix(v, "3.1.") || info.at("title").text() == "" || info.at("version").text() == "" {
			t.Errorf("%s: openapi %q, info %v", name, v, info.value)
		}
		tags, ids := map[string]bool{}, map[string]bool{}
		for _, tag := range doc.at("tags").elements() {
			tags[tag.at("name").text()] = true
		}
		for _, paths := range []string{"paths", "webhooks"} {
			for path, item := range doc.at(paths).members() {
				for _, method := range methods {
					op := item.at(method)
					if !op.there() {
						continue
					}
					checkOperation(t, fmt.Sprint(name, " ", method, " ", path), path, item, op)
					id := op.at("operationId").text()
					if ids[id] {
						t.Errorf("%s: the operationId %q is there twice", name, id)
					}
					ids[id] = true
					for _, tag := range op.at("tags").elements() {
						if !tags[tag.text()] {
							t.Errorf("%s: %s has the tag %q, which is not described", name, id, tag.text())
						}
					}
					for _, choice := range op.at("security").elements() {
						for scheme := range choice.members() {
							if !doc.at("components", "securitySchemes", scheme).there() {
								t.Errorf("%s: %s needs %s, which is not described", name, id, scheme)
							}
						}
					}
				}
			}
		}
	}
}

var pathName = regexp.MustCompile(`\{([^}]*)\}`)

func checkOperation(t *testing.T, name, path string, item, op node) {
	t.Helper()
	for _, member := range []string{"operationId", "summary"} {
		if op.at(member).text() == "" {
			t.Errorf("%s has no %s", name, member)
		}
	}
	if !op.at("security").there() || len(op.at("tags").elements()) == 0 {
		t.Errorf("%s says neither who may use it nor what it is about", name)
	}
	var want, got []string
	for _, match := range pathName.FindAllStringSubmatch(path, -1) {
		want = append(want, match[1])
	}
	for _, list := range []node{item.at("parameters"), op.at("parameters")} {
		for _, p := range list.elements() {
			if p.at("in").text() == "path" {
				got = append(got, p.at("name").text())
			}
			if p.at("in").text() == "path" != (p.at("required").value == true) {
				t.Errorf("%s: parameter %s must be required if it is in the path, and only then", name, p.at("name").text())
			}
			checkExamples(t, p)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s describes the parts %q of its path", name, got)
	}
	successes := 0
	for status, r := range op.at("responses").members() {
		if r.at("description").text() == "" {
			t.Errorf("%s: %s has no description", name, status)
		}
		if strings.HasPrefix(status, "2") {
			successes++
		}
		for _, c := range r.at("content").members() {
			checkExamples(t, c)
		}
	}
	if successes == 0 {
		t.Errorf("%s has no success", name)
	}
	for _, c := range op.at("requestBody", "content").members() {
		checkExamples(t, c)
	}
}

// checkExamples holds an example beside a schema against it.
func checkExamples(t *testing.T, n node) {
	t.Helper()
	example := n.at("example")
	if !example.there() {
		return
	}
	if err := n.at("schema").schema().Validate(example.value); err != nil {
		t.Errorf("%s: the example: %v", n, err)
	}
}

// In {a: one, two} the second is a member without a value, and never meant.
func TestDocumentsHaveNoEmptyMembers(t *testing.T) {
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case nil:
			t.Errorf("%s has no value", at)
		case map[string]any:
			for name, member := range v {
				walk(at+"/"+name, member)
			}
		case []any:
			for i, element := range v {
				walk(fmt.Sprint(at, "/", i), element)
			}
		}
	}
	for name, doc := range documents(t) {
		walk(name, doc.value)
	}
}

// Every reference leads somewhere, and every component is used.
func TestDocumentsHaveNoLooseEnds(t *testing.T) {
	docs := documents(t)
	used := map[string]bool{}
	for _, doc := range docs {
		for _, ref := range refs(doc) {
			used[ref] = true
		}
	}
	for _, doc := range docs {
		for kind, components := range doc.at("components").members() {
			for component, value := range components.members() {
				// Security schemes are referred to by name; MethodNotAllowed is for every path.
				if kind == "securitySchemes" || component == "MethodNotAllowed" {
					continue
				}
				place := fmt.Sprintf("%s#/components/%s/%s", filepath.Base(doc.path), kind, component)
				if !used[place] {
					t.Errorf("%s is not used", place)
				}
				if kind == "schemas" {
					value.schema()
				}
			}
		}
	}
}

// refs lists what is referred to in n as file#pointer, and reads it.
func refs(n node) []string {
	var all []string
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				file, pointer, _ := strings.Cut(ref, "#")
				path := n.path
				if file != "" {
					path = filepath.Join(filepath.Dir(n.path), file)
				}
				if _, err := os.Stat(path); err != nil {
					n.fail("%v", err)
				}
				target := n.r.file(path)
				for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
					if name == "" {
						continue
					}
					object, _ := target.value.(map[string]any)
					target = target.child(name, object[name])
				}
				if !target.there() {
					n.fail("%s leads nowhere", ref)
				}
				all = append(all, filepath.Base(path)+"#"+pointer)
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(n.value)
	return all
}

// What a type of event carries is described in its own schema and nowhere else.
func TestEventsAreTheVocabulary(t *testing.T) {
	doc := documents(t)["eventbus"]
	schema := doc.at("components", "schemas", "Event").schema()
	valid := func(source, typ, data string) bool {
		text := `{"type":"` + typ + `","data":` + data + `,"id":"1","source":"` + source + `","time":"2025-01-02T03:04:05Z","correlationid":"1"}`
		return conforms(schema, []byte(text)) == nil
	}
	for _, typ := range event.Types() {
		ref, _ := doc.at("components", "schemas", typ).value.(map[string]any)
		if want := "../../internal/event/schema/" + typ + ".json"; ref["$ref"] != want {
			t.Errorf("%s is %v, want %s", typ, ref, want)
		}
		if valid(event.Owner(typ), typ, `{}`) || !valid("elsewhere", typ, `{}`) {
			t.Errorf("%s: its data is held to the schema if and only if it is from %s: it is not", typ, event.Owner(typ))
		}
	}
	if err := schema.Validate(map[string]any{"type": "Odd"}); err == nil {
		t.Error("an event without an id passes")
	}
}
