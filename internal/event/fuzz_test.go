package event_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
)

// FuzzParse holds that no entry makes Parse panic, that what it refuses is
// malformed, and that what it accepts can go to a stream and to HTTP and back.
func FuzzParse(f *testing.F) {
	for _, path := range examples(f) {
		e, err := readExample(path)
		if err != nil {
			f.Fatal(err)
		}
		m := fieldMap(e.Fields())
		f.Add("1700000000123-0", m["type"], m["data"], m["id"], m["subject"], m["time"], m["correlationid"])
		f.Add("", m["type"], m["data"], "", "", "", "")
	}
	f.Fuzz(func(t *testing.T, entryID, typ, data, id, subject, time, correlation string) {
		e, err := event.Parse("{posts}:events", entryID, map[string]string{
			"type": typ, "data": data, "id": id, "subject": subject, "time": time, "correlationid": correlation,
		})
		if err != nil {
			if !errors.Is(err, event.ErrMalformed) {
				t.Fatalf("error is not ErrMalformed: %v", err)
			}
			return
		}
		again, err := event.Parse("elsewhere", "1-1", fieldMap(e.Fields()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatalf("read twice (-first +second):\n%s", diff)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Fatalf("cannot be written as JSON: %v", err)
		}
	})
}

// FuzzDecode holds that no data makes Decode panic, that what it refuses is
// malformed or unknown, and that what it accepts is valid and reads the same
// when it is written again.
func FuzzDecode(f *testing.F) {
	for _, path := range examples(f) {
		e, err := readExample(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e.Type, []byte(e.Data))
	}
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		payload, err := event.Event{Type: typ, Data: data}.Decode()
		if err != nil {
			if !errors.Is(err, event.ErrMalformed) && !errors.Is(err, event.ErrUnknownType) {
				t.Fatalf("error is neither ErrMalformed nor ErrUnknownType: %v", err)
			}
			return
		}
		e, err := event.New("fuzz", typ, payload, noon)
		if err != nil {
			t.Fatalf("what was decoded cannot be said: %v", err)
		}
		again, err := e.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(payload, again); diff != "" {
			t.Fatalf("read twice (-first +second):\n%s", diff)
		}
	})
}
