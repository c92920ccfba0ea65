package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// entry is an event of source at noon and ms milliseconds.
func entry(source, typ, id, cause string, ms int, data string) bus.Entry {
	at := noon.Add(time.Duration(ms) * time.Millisecond)
	return bus.Entry{
		Stream: event.Stream(source),
		ID:     bus.ID{Ms: uint64(at.UnixMilli())},
		Event: event.Event{
			Type: typ, ID: id, Source: source, Time: at, CausationID: cause, Data: json.RawMessage(data),
		},
	}
}

func story() []bus.Entry {
	comment := func(content, status string) string {
		c, _ := json.Marshal(content) // a string always marshals
		return fmt.Sprintf(`{"postId":"p","id":"c","content":%s,"status":%q}`, c, status)
	}
	verdict := `{"postId":"p","id":"c","content":"x","status":"rejected","reason":"word list","moderator":"rules"}`
	long := strings.Repeat("long ", 1000)
	return []bus.Entry{
		entry("posts", event.TypePostCreated, "e1", "", 1, `{"id":"p","title":"Title"}`),
		entry("comments", event.TypeCommentCreated, "e2", "", 1120, comment("nice post", "pending")),
		entry("moderator", event.TypeCommentModerated, "e3", "e2", 1123,
			`{"postId":"p","id":"c","content":"nice post","status":"approved","moderator":"rules"}`),
		entry("posts", event.TypePostUpdated, "e4", "", 1124, `{"id":"p","title":"`+long+`"}`),
		entry("comments", event.TypeCommentUpdated, "e5", "e3", 1125, comment("nice post", "approved")),
		entry("comments", event.TypeCommentCreated, "e6", "", 1200,
			comment("\x1b[2J\x1b]0;title\a two\nlines \u009b31m \u202egnp \u2028 grüße 👍", "pending")),
		entry("moderator", event.TypeCommentModerated, "e7", "e6", 1199, verdict), // another machine's clock
		entry("comments", event.TypeCommentUpdated, "e8", "never seen", 1300, comment("x", "flagged")),
		entry("comments", event.TypeCommentDeleted, "e9", "", 1400, `{"postId":"p","id":"c"}`),
		entry("eventbus", "Some\x1b[31mthing", "e10", "", 1500, `{}`),
		entry("posts", event.TypePostCreated, "e11", "", 1600, `{"id":`),
		entry("comments", event.TypeCommentCreated, "e12", "", 1700, `{"postId":"p"}`),
		{Stream: "{eventbus}:events", ID: bus.ID{Ms: uint64(noon.UnixMilli())}}, // neither type nor data
	}
}

func TestDrawing(t *testing.T) {
	d := newDrawing(false)
	var got strings.Builder
	for _, e := range story() {
		got.WriteString(d.draw(e))
	}
	golden := filepath.Join("testdata", "drawing.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("drawing (-want +got), -update if it is meant so:\n%s", diff)
	}
	if strings.ContainsAny(got.String(), "\x1b\a\u009b\u202e\u2028") {
		t.Error("a text could drive the terminal")
	}
	if lines := strings.Count(got.String(), "\n"); lines != len(story()) {
		t.Errorf("%d lines for %d events", lines, len(story()))
	}
}

func TestDrawingColours(t *testing.T) {
	e := entry("comments", event.TypeCommentUpdated, "e", "", 0, `{"postId":"p","id":"c","content":"x","status":"approved"}`)
	if got := newDrawing(true).draw(e); !strings.Contains(got, "\x1b[32mapproved\x1b[0m") {
		t.Errorf("line = %q, want approved in green", got)
	}
}

func TestDrawingForgets(t *testing.T) {
	d := newDrawing(false)
	for i := range remembered + 10 {
		d.draw(entry("posts", "Thing", fmt.Sprint("e", i), "", i, `{}`))
	}
	if len(d.known) != remembered || len(d.order) != remembered {
		t.Errorf("remembers %d and %d events, want %d", len(d.known), len(d.order), remembered)
	}
	if got := d.draw(entry("posts", "Thing", "f", "e0", 0, `{}`)); strings.Contains(got, "└─") {
		t.Errorf("line = %q, want the first of a chain: its cause is forgotten", got)
	}
}
