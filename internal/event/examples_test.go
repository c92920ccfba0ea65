package event_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
)

var update = flag.Bool("update", false, "write the golden files that are missing")

// testdata is the folder; the paths of examples are within it.
func testdata() fs.FS { return os.DirFS("testdata") }

// readExample reads a file of testdata: .json is an event as on HTTP, .txt the
// fields of a stream entry, name and value in turn.
func readExample(path string) (event.Event, error) {
	text, err := fs.ReadFile(testdata(), path)
	if err != nil {
		return event.Event{}, err
	}
	if filepath.Ext(path) == ".txt" {
		fields := fieldMap(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
		return event.Parse(event.Stream(event.Owner(fields["type"])), "1700000000123-0", fields)
	}
	var e event.Event
	if err := json.Unmarshal(text, &e); err != nil {
		return e, err
	}
	return e, e.Validate()
}

// examples lists the paths of all examples, oldest folder first.
func examples(t testing.TB) []string {
	t.Helper()
	var paths []string
	err := fs.WalkDir(testdata(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "rapid" || d.Name() == "fuzz") {
			return fs.SkipDir // what those tools note there
		}
		if ext := filepath.Ext(path); ext == ".json" || ext == ".txt" {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// describe writes down all that the example came to.
func describe(e event.Event) ([]byte, error) {
	payload, err := e.Decode()
	if err != nil && !errors.Is(err, event.ErrUnknownType) {
		return nil, err
	}
	text, err := json.MarshalIndent(struct {
		Event   event.Event   `json:"event"`
		GoType  string        `json:"goType"`
		Payload event.Payload `json:"payload"`
	}{e, fmt.Sprintf("%T", payload), payload}, "", "  ")
	return append(text, '\n'), err
}

func TestExamplesDecodeForEver(t *testing.T) {
	for _, path := range examples(t) {
		t.Run(path, func(t *testing.T) {
			e, err := readExample(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := describe(e)
			if err != nil {
				t.Fatal(err)
			}
			golden := path + ".golden"
			want, err := fs.ReadFile(testdata(), golden)
			if errors.Is(err, fs.ErrNotExist) && *update {
				want, err = got, os.WriteFile(filepath.Join("testdata", golden), got, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("decodes to something else than before (-before +now):\n%s", diff)
			}
		})
	}
}

func TestExamplesAreWhatTheSchemasSay(t *testing.T) {
	envelope := compile(t, event.EnvelopeSchema())
	for _, path := range examples(t) {
		e, err := readExample(path)
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := event.Schema(e.Type); ok && !accepts(compile(t, text), e.Data) {
			t.Errorf("the schema of %s refuses the data of %s", e.Type, path)
		}
		doc, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if !accepts(envelope, doc) {
			t.Errorf("the schema of the envelope refuses %s", path)
		}
	}
}

func TestEveryTypeHasExamples(t *testing.T) {
	for _, typ := range event.Types() {
		for _, path := range []string{typ + ".json", "foreign/" + typ + ".json", "entries/" + typ + ".txt"} {
			e, err := readExample(path)
			if err != nil {
				t.Errorf("no example: %v", err)
			} else if e.Type != typ {
				t.Errorf("%s is a %s", path, e.Type)
			}
		}
	}
}

// An own example has every member, so that none can be lost unseen. A type that got
// more members later has a second example in full/, since the first must not change.
func TestOwnExamplesAreFull(t *testing.T) {
	for _, typ := range event.Types() {
		path := "full/" + typ + ".json"
		if _, err := fs.Stat(testdata(), path); err != nil {
			path = typ + ".json"
		}
		e, err := readExample(path)
		if err != nil {
			t.Fatal(err)
		}
		for what, m := range map[string]struct {
			text []byte
			like any
		}{"envelope": {mustMarshal(t, e), e}, "data": {e.Data, fullPayload(typ)}} {
			var members map[string]any
			if err := json.Unmarshal(m.text, &members); err != nil {
				t.Fatal(err)
			}
			for _, name := range jsonNames(m.like) {
				if members[name] == nil {
					t.Errorf("%s: %s lacks %s", typ, what, name)
				}
			}
		}
	}
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNoExampleWasRemoved(t *testing.T) {
	for _, pattern := range []string{"*.golden", "*/*.golden"} {
		goldens, err := fs.Glob(testdata(), pattern)
		if err != nil || len(goldens) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, golden := range goldens {
			if _, err := fs.Stat(testdata(), strings.TrimSuffix(golden, ".golden")); err != nil {
				t.Errorf("%s is left, but its example is gone: %v", golden, err)
			}
		}
	}
}
