package event_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"newsfeed/internal/event"
)

func TestWithoutPrivate(t *testing.T) {
	for data, want := range map[string]string{
		`{}`: `{}`, `{"a":1}`: `{"a":1}`,
		`{"authorKey":"k"}`: `{}`,
		`{"a":"<&\u00e9","authorKey":"k","b":[1.0,{"x":null}],"networkKeys":["n"]}`:     `{"a":"<&\u00e9","b":[1.0,{"x":null}]}`,
		`{"author\u004bey":"k","AUTHORKEYS":["k"],"networkKey":{"a":{"b":1}},"id":"c"}`: `{"id":"c"}`,
		`{"authorKey":"a","authorKey":"b","content":"authorKey"}`:                       `{"content":"authorKey"}`,
		`{ "id" : "c" , "authorKey" : "k" }`:                                            `{"id":"c"}`,
	} {
		got, err := event.Event{Type: "X", Data: json.RawMessage(data)}.WithoutPrivate()
		if err != nil || string(got.Data) != want {
			t.Errorf("%s: %s, %v; want %s", data, got.Data, err, want)
		}
	}
}

// Every member of a comment or a block that holds a key is in the list.
func TestPrivateMembers(t *testing.T) {
	for _, payload := range []any{event.Comment{}, event.Block{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(payload)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			e, err := event.Event{Data: json.RawMessage(`{"` + name + `":"x"}`)}.WithoutPrivate()
			isKey := strings.HasSuffix(f.Name, "Key") || strings.HasSuffix(f.Name, "Keys")
			if err != nil || (string(e.Data) == "{}") != isKey {
				t.Errorf("%s: %s, %v", name, e.Data, err)
			}
		}
	}
}
