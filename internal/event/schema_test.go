package event_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"newsfeed/internal/event"
)

// outline is what the tests look up in a schema by themselves.
type outline struct {
	Schema      string                    `json:"$schema"`
	Title       string                    `json:"title"`
	Description string                    `json:"description"`
	Required    []string                  `json:"required"`
	Properties  map[string]map[string]any `json:"properties"`
}

func schemaText(t *testing.T, typ string) []byte {
	t.Helper()
	text, ok := event.Schema(typ)
	if !ok {
		t.Fatalf("no schema of %s", typ)
	}
	return text
}

func outlineOf(t *testing.T, text []byte) outline {
	t.Helper()
	var o outline
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// compile makes a validator that asserts formats, which JSON Schema leaves open.
func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func accepts(schema *jsonschema.Schema, doc []byte) bool {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	return err == nil && schema.Validate(v) == nil
}

// membersOf lists the members of a valid JSON object by name.
func membersOf(t *testing.T, v any) []member {
	t.Helper()
	doc, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(doc, &values); err != nil {
		t.Fatal(err)
	}
	var out []member
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, member{name, string(values[name])})
	}
	return out
}

// jsonNames lists the members that a struct is written with.
func jsonNames(v any) []string {
	var names []string
	for f := range reflect.TypeOf(v).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestSchemasListTheMembersOfTheTypes(t *testing.T) {
	check := func(name string, text []byte, v any) {
		o := outlineOf(t, text)
		if diff := cmp.Diff(jsonNames(v), slices.Sorted(maps.Keys(o.Properties))); diff != "" {
			t.Errorf("%s (-Go +schema):\n%s", name, diff)
		}
		if o.Schema != "https://json-schema.org/draft/2020-12/schema" || o.Title == "" || o.Description == "" {
			t.Errorf("%s does not say its draft, title and description", name)
		}
		for member, p := range o.Properties {
			if p["description"] == nil {
				t.Errorf("%s: %s has no description", name, member)
			}
		}
	}
	for _, typ := range event.Types() {
		check(typ, schemaText(t, typ), fullPayload(typ))
	}
	check("envelope", event.EnvelopeSchema(), event.Event{})
}

// Dropped or null, a member is asked for by the schema, by its required list
// and by Decode, or by none of them.
func TestSchemasRequireWhatTheTypesRequire(t *testing.T) {
	for _, typ := range event.Types() {
		required := outlineOf(t, schemaText(t, typ)).Required
		schema := compile(t, schemaText(t, typ))
		full := membersOf(t, fullPayload(typ))
		for i, m := range full {
			for how, members := range map[string][]member{
				"dropped": slices.Delete(slices.Clone(full), i, i+1),
				"null":    slices.Replace(slices.Clone(full), i, i+1, member{m.name, "null"}),
			} {
				doc := []byte(object(members))
				want := !slices.Contains(required, m.name)
				if got := accepts(schema, doc); got != want {
					t.Errorf("%s, %s %s: schema accepts = %t, want %t", typ, m.name, how, got, want)
				}
				if _, err := (event.Event{Type: typ, Data: doc}).Decode(); (err == nil) != want {
					t.Errorf("%s, %s %s: Decode: %v, want accepted = %t", typ, m.name, how, err, want)
				}
			}
		}
	}
}

// A member means the same in every type that has it; only a status differs.
func TestSchemasAgreeWithEachOther(t *testing.T) {
	seen := map[string]map[string]any{}
	for _, typ := range event.Types() {
		for name, p := range outlineOf(t, schemaText(t, typ)).Properties {
			delete(p, "description")
			if first, ok := seen[name]; ok && name != "status" {
				if diff := cmp.Diff(first, p); diff != "" {
					t.Errorf("%s of %s differs from the others (-first +this):\n%s", name, typ, diff)
				}
			}
			seen[name] = p
		}
	}
}

// disagreement says how Decode and the schema differ about doc, or "". They are
// one contract in two forms: what one takes, the other takes. Only times outside
// the years 1 to 9999 are left to Decode.
func disagreement(schema *jsonschema.Schema, typ string, doc []byte) string {
	want := accepts(schema, doc)
	for _, name := range []string{"createdAt", "until"} {
		if _, timed := schema.Properties[name]; timed && leavesTheYears(doc, name) {
			want = false
		}
	}
	payload, err := event.Event{Type: typ, Data: doc}.Decode()
	if (err == nil) != want {
		return fmt.Sprintf("%s\nschema accepts = %t, Decode: %v", doc, want, err)
	}
	if err == nil && payload.Validate() != nil {
		return fmt.Sprintf("%s\ndecodes to what is not valid: %v", doc, payload.Validate())
	}
	return ""
}

// Every member at every edge, the others being right.
func TestDecodeAndSchemaAgreeAtTheEdges(t *testing.T) {
	for _, typ := range event.Types() {
		schema := compile(t, schemaText(t, typ))
		full := membersOf(t, fullPayload(typ))
		for i, m := range full {
			for _, value := range edgeValues() {
				doc := []byte(object(slices.Replace(slices.Clone(full), i, i+1, member{m.name, value})))
				if diff := disagreement(schema, typ, doc); diff != "" {
					t.Errorf("%s: %s", typ, diff)
				}
			}
		}
	}
}

func TestDecodeAcceptsWhatTheSchemaAccepts(t *testing.T) {
	unknown := []string{"extra", "", "ID", "Status", "CREATEDAT", "postid", "Version", "title", "content", "decision"}
	for _, typ := range event.Types() {
		t.Run(typ, func(t *testing.T) {
			schema := compile(t, schemaText(t, typ))
			full := membersOf(t, fullPayload(typ))
			rapid.Check(t, func(t *rapid.T) {
				doc := []byte(object(nearly(t, full, unknown, "drop", "change", "twice")))
				if diff := disagreement(schema, typ, doc); diff != "" {
					t.Fatal(diff)
				}
			})
		})
	}
}

// The same for the envelope as it is on HTTP, but for three liberties of
// encoding/json that only the schema refuses or forgives: members in other
// spellings, members named twice (neither is drawn), and times that time.Time
// takes though they are no RFC 3339, or refuses because of \u escapes.
func TestEnvelopeAcceptsWhatTheSchemaAccepts(t *testing.T) {
	schema := compile(t, event.EnvelopeSchema())
	full := membersOf(t, event.Event{
		Type: "PostDeleted", Data: json.RawMessage(`{"id":"p"}`), ID: "i", Source: "posts", Subject: "p", Time: noon,
		CorrelationID: "co", CausationID: "ca", TraceParent: "00-t",
	})
	rapid.Check(t, func(t *rapid.T) {
		doc := []byte(object(nearly(t, full, []string{"extra", "specversion"}, "drop", "change")))
		var e event.Event
		err := json.Unmarshal(doc, &e)
		if err == nil {
			err = e.Validate()
		}
		want := accepts(schema, doc) && !leavesTheYears(doc, "time")
		if err == nil && !want && !e.Time.IsZero() {
			e.Time = e.Time.UTC()
			doc, _ = json.Marshal(e)
			want = accepts(schema, doc) // only its time was written loosely
		}
		if (err == nil) != want {
			t.Fatalf("%s\nschema accepts = %t, code: %v", doc, want, err)
		}
	})
}

func TestSchemaOfNoType(t *testing.T) {
	for _, typ := range []string{"", "PostPinned", "envelope", "../event"} {
		if text, ok := event.Schema(typ); ok || text != nil {
			t.Errorf("Schema(%q) = %d bytes, %t; want none", typ, len(text), ok)
		}
	}
}
