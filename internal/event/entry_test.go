package event_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newsfeed/internal/event"
)

func fieldMap(fields []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	return m
}

func TestFieldsOrder(t *testing.T) {
	e := event.Event{
		Type: "PostDeleted", Data: json.RawMessage(`{"id":"p"}`), ID: "i", Source: "posts", Subject: "p",
		Time: noon.In(time.FixedZone("", 3600)), CorrelationID: "co",
	}
	first := []string{
		"type", "PostDeleted", "data", `{"id":"p"}`, "id", "i", "source", "posts", "subject", "p",
		"time", "2024-05-06T12:00:00.123456789Z", "correlationid", "co",
	}
	if diff := cmp.Diff(first, e.Fields()); diff != "" {
		t.Errorf("first of a chain (-want +got):\n%s", diff)
	}
	e.CausationID, e.TraceParent = "ca", "00-t"
	later := append(first, "causationid", "ca", "traceparent", "00-t")
	if diff := cmp.Diff(later, e.Fields()); diff != "" {
		t.Errorf("later in a chain (-want +got):\n%s", diff)
	}
}

// anyEvent draws an event as it may stand on a stream: Parse fills what is
// empty, so the fields that it fills are not.
func anyEvent(t *rapid.T) event.Event {
	text := rapid.StringN(1, 40, -1)
	seconds := rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds") // years 1 to 9999
	data, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "data"))
	if err != nil {
		t.Fatal(err)
	}
	return event.Event{
		Type:          rapid.OneOf(rapid.SampledFrom(event.Types()), text).Draw(t, "type"),
		Data:          data,
		ID:            text.Draw(t, "id"),
		Source:        rapid.String().Draw(t, "source"),
		Subject:       text.Draw(t, "subject"),
		Time:          time.Unix(seconds, rapid.Int64Range(0, 999999999).Draw(t, "nanos")).UTC(),
		CorrelationID: text.Draw(t, "correlationid"),
		CausationID:   rapid.String().Draw(t, "causationid"),
		TraceParent:   rapid.String().Draw(t, "traceparent"),
	}
}

func TestEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent(t)
		got, err := event.Parse("{posts}:events", "1-0", fieldMap(want.Fields()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("through a stream (-want +got):\n%s", diff)
		}
	})
}

func TestHTTPRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent(t)
		doc, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got event.Event
		if err := json.Unmarshal(doc, &got); err != nil {
			t.Fatal(err)
		}
		// Only the text of data may change, by escapes that mean the same.
		if diff := cmp.Diff(asValue(t, want.Data), asValue(t, got.Data)); diff != "" {
			t.Fatalf("data through HTTP (-want +got):\n%s", diff)
		}
		got.Data = want.Data
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("through HTTP (-want +got):\n%s", diff)
		}
	})
}

func asValue(t *rapid.T, data []byte) any {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestParseFillsWhatIsMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		entryID string
		fields  map[string]string
		want    event.Event
	}{
		"type and data only": {"1700000000123-4", map[string]string{"type": "PostCreated", "data": `{"id":"p","postId":"q"}`}, event.Event{
			ID: "s/1700000000123-4", CorrelationID: "s/1700000000123-4", Subject: "p", Time: time.UnixMilli(1700000000123).UTC()}},
		"subject of a comment": {"5-0", map[string]string{"type": "CommentDeleted", "data": `{"id":"c","postId":"p"}`}, event.Event{
			ID: "s/5-0", CorrelationID: "s/5-0", Subject: "p", Time: time.UnixMilli(5).UTC()}},
		"subject of an unknown type": {"5-0", map[string]string{"type": "PostPinned", "data": `{"id":"c","postId":"p"}`}, event.Event{
			ID: "s/5-0", CorrelationID: "s/5-0", Subject: "p", Time: time.UnixMilli(5).UTC()}},
		"data names no post": {"5-0", map[string]string{"type": "PostCreated", "data": `{"id":7}`}, event.Event{
			ID: "s/5-0", CorrelationID: "s/5-0", Time: time.UnixMilli(5).UTC()}},
		"what is given stays": {"5-0", map[string]string{
			"type": "PostCreated", "data": ` {"id":"p"}`, "id": "i", "subject": "x", "time": "2024-05-06T14:00:00.123456789+02:00", "correlationid": "co",
		}, event.Event{ID: "i", CorrelationID: "co", Subject: "x", Time: noon}},
		"correlation from the id": {"5-0", map[string]string{"type": "PostDeleted", "data": `{}`, "id": "i"}, event.Event{
			ID: "i", CorrelationID: "i", Time: time.UnixMilli(5).UTC()}},
		"a time that is none": {"5-0", map[string]string{"type": "PostDeleted", "data": `{}`, "time": "noon"}, event.Event{
			ID: "s/5-0", CorrelationID: "s/5-0", Time: time.UnixMilli(5).UTC()}},
		"a time that leaves the years in UTC": {"5-0", map[string]string{"type": "PostDeleted", "data": `{}`, "time": "0000-01-01T00:00:00+01:00"}, event.Event{
			ID: "s/5-0", CorrelationID: "s/5-0", Time: time.UnixMilli(5).UTC()}},
		"the highest entry id": {"18446744073709551615-1", map[string]string{"type": "PostDeleted", "data": `{}`}, event.Event{
			ID: "s/18446744073709551615-1", CorrelationID: "s/18446744073709551615-1", Time: time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.want.Type, tt.want.Data = tt.fields["type"], json.RawMessage(tt.fields["data"])
			got, err := event.Parse("s", tt.entryID, tt.fields)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if _, err := json.Marshal(got); err != nil {
				t.Errorf("cannot be written as JSON: %v", err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, fields := range map[string]map[string]string{
		"nothing":        nil,
		"no type":        {"data": `{}`},
		"no data":        {"type": "PostCreated"},
		"half an object": {"type": "PostCreated", "data": `{"id":`},
		"two objects":    {"type": "PostCreated", "data": `{} {}`},
		"null":           {"type": "PostCreated", "data": `null`},
		"a list":         {"type": "PostCreated", "data": `[{}]`},
		"blank":          {"type": "PostCreated", "data": " \t\r\n"},
		"not UTF-8":      {"type": "PostCreated", "data": "{\"id\":\"\xff\"}"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := event.Parse("s", "1-0", fields); !errors.Is(err, event.ErrMalformed) {
				t.Errorf("Parse: %v, want ErrMalformed", err)
			}
		})
	}
}
