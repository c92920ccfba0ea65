package posts

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func written() Post {
	return Post{ID: "p", Title: "a title", Body: "a body", Author: "ann", CreatedAt: at, Version: 3}
}

func TestEdited(t *testing.T) {
	got, changed := written().edited(edit{Title: new("another"), Author: new("")})
	want := written()
	want.Title, want.Author, want.Version = "another", "", 4
	if diff := cmp.Diff(want, got); diff != "" || !changed {
		t.Errorf("changed %t\n%s", changed, diff)
	}
	if got, changed := written().edited(edit{Title: new("a title")}); changed || got != written() {
		t.Errorf("an edit that changes nothing made %+v", got)
	}
}

func TestAdopted(t *testing.T) {
	e := bus.Entry{
		ID:    bus.ID{Ms: uint64(at.Add(time.Minute).UnixMilli())},
		Event: event.Event{Type: event.TypePostCreated, Source: "somebody", Time: at.Add(time.Hour)},
	}
	last := bus.ID{Ms: 1}
	minimal := event.Post{ID: "p", Title: new("theirs")}

	got, changed := Post{}.adopted(e, minimal, bus.ID{})
	want := Post{ID: "p", Title: "theirs", CreatedAt: e.ID.Time(), Undated: true, Version: 1}
	if diff := cmp.Diff(want, got); diff != "" || !changed {
		t.Errorf("a new one: changed %t\n%s", changed, diff)
	}

	got, _ = written().adopted(e, minimal, last)
	want = written()
	want.Title, want.Version = "theirs", 4
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what it leaves out must stay: %s", diff)
	}

	dated := minimal
	dated.CreatedAt, dated.Version = new(at.Add(-time.Hour)), new(int64(99))
	got, _ = Post{}.adopted(e, dated, bus.ID{})
	if !got.CreatedAt.Equal(at.Add(-time.Hour)) || got.Version != 1 {
		t.Errorf("got created at %s, version %d; want the time it gives, and a number of ours", got.CreatedAt, got.Version)
	}

	if got, changed := written().adopted(e, minimal, e.ID); changed {
		t.Errorf("an entry that is no news: %+v", got)
	}
	deleted, changed := written().adopted(e, event.PostDeleted{ID: "p"}, e.ID)
	if want := (Post{ID: "p", CreatedAt: at, Version: 4, Deleted: true}); !changed || deleted != want {
		t.Errorf("a deletion: got %+v, want %+v", deleted, want)
	}
	if got, changed := deleted.adopted(e, minimal, last); changed {
		t.Errorf("brought back: %+v", got)
	}
}

// What a post's event says is what a reader makes of it.
func TestEventCarriesThePost(t *testing.T) {
	p := written()
	e, err := p.event(event.TypePostUpdated, at)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := e.Decode()
	if err != nil {
		t.Fatal(err)
	}
	want := event.Post{ID: p.ID, Title: &p.Title, Body: &p.Body, Author: &p.Author, CreatedAt: &p.CreatedAt, Version: &p.Version}
	if diff := cmp.Diff(event.Payload(want), payload); diff != "" || e.Subject != p.ID || e.Foreign() {
		t.Errorf("subject %q, foreign %t\n%s", e.Subject, e.Foreign(), diff)
	}
	e, err = p.deleted().event(event.TypePostDeleted, at)
	if err != nil {
		t.Fatal(err)
	}
	if payload, err = e.Decode(); err != nil || payload.PostKey() != p.ID {
		t.Errorf("a deletion: %v, %v", payload, err)
	}
}

// Titles and names that show nothing, or hide what they are, are refused where a post
// is written and where it is edited.
func TestValidate_HiddenCharacters(t *testing.T) {
	for _, tt := range []struct {
		title, author string
		ok            bool
	}{
		{"a title", "", true}, {"می\u200cشود", "👨\u200d👩\u200d👧", true}, {"\u200b\u2060", "", false}, {"\u3164", "", false}, {"a title", "\u2800", false},
		{"msicar\u202e", "", false}, {"a title", "\u2067Ann", false}, {"a ti\u200btle", "", false},
	} {
		if err := (&newPost{Title: tt.title, Author: tt.author}).Validate(); (err == nil) != tt.ok {
			t.Errorf("new post with title %+q, author %+q: %v, want accepted %t", tt.title, tt.author, err, tt.ok)
		}
		if err := (&edit{Title: new(tt.title), Author: new(tt.author)}).Validate(); (err == nil) != tt.ok {
			t.Errorf("edit to title %+q, author %+q: %v, want accepted %t", tt.title, tt.author, err, tt.ok)
		}
	}
}
