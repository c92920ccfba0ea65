package openapitest

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Members fails the test unless each schema of the service's document, named as
// under components/schemas, has the members that the Go type beside it is written
// with, and requires those that it always has. So a member is found missing also
// if it is rarely there. stored are members that a type is stored and never shown
// with.
func Members(t *testing.T, service string, types map[string]any, stored ...string) {
	t.Helper()
	d, err := Load(service)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range types {
		schema := d.schemas.at(name)
		if !schema.there() {
			t.Errorf("docs/openapi/%s.yaml has no schema %s", service, name)
			continue
		}
		var got, want members
		got.ofSchema(schema)
		want.ofType(reflect.TypeOf(value))
		want.all = slices.DeleteFunc(want.all, func(name string) bool { return slices.Contains(stored, name) })
		if diff := cmp.Diff(want.sorted(), got.sorted()); diff != "" {
			t.Errorf("members of %s in docs/openapi/%s.yaml (-%T +document):\n%s", name, service, value, diff)
		}
	}
}

// members are the names of an object's members; those not required end in "?".
type members struct{ required, all []string }

func (m *members) sorted() []string {
	var names []string
	for _, name := range m.all {
		if !slices.Contains(m.required, name) {
			name += "?"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ofSchema reads the schema and those that it extends.
func (m *members) ofSchema(n node) {
	for name := range n.at("properties").members() {
		m.all = append(m.all, name)
	}
	for _, name := range n.at("required").elements() {
		m.required = append(m.required, name.text())
	}
	for _, base := range n.at("allOf").elements() {
		m.ofSchema(base)
	}
	if base, ok := strings.CutPrefix(n.at("$ref").text(), "#/components/schemas/"); ok {
		root := node{r: n.r, path: n.path, value: n.r.files[n.path]}
		m.ofSchema(root.at("components", "schemas", base))
	}
}

// ofType reads the members that a struct is written with, as encoding/json does.
func (m *members) ofType(t reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue // what is embedded is visited by itself
		}
		m.all = append(m.all, name)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			m.required = append(m.required, name)
		}
	}
}
