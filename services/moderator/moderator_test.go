package moderator

import (
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

func TestVerdictsFollowTheText(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entry := func(ms uint64, source string) bus.Entry {
		return bus.Entry{ID: bus.ID{Ms: ms}, Event: event.Event{
			ID: "e", CorrelationID: "chain", Type: event.TypeCommentCreated, Source: source,
		}}
	}
	comment := event.Comment{
		PostID: "p", ID: "c", Content: new("nice"), Author: new("ann"), AuthorKey: new("key"), Version: new(int64(1)),
	}
	flagged := Verdict{Status: event.Flagged, Reason: "newcomer", Rule: "newcomers"}

	text, isNew := decision{}.arrived(comment, entry(10, event.Comments))
	if !isNew || text.Content != "nice" || text.Author != "ann" || text.AuthorKey != "key" || text.Version != 1 || text.Number != 0 {
		t.Errorf("the first text: %+v", text)
	}
	first := text.judged(flagged, byRules, now)
	if first.Status != event.Flagged || first.Number != 1 || first.Verdicts != 1 || !first.Held.Equal(now) || first.byPerson() {
		t.Errorf("the first verdict: %+v", first)
	}
	if _, isNew := first.arrived(comment, entry(10, event.Comments)); isNew {
		t.Error("the same text came as new")
	}
	if _, isNew := first.arrived(comment, entry(9, event.Comments)); isNew {
		t.Error("an earlier text came after a later one")
	}
	if again := first.judged(flagged, byRules, now.Add(time.Hour)); !again.Held.Equal(now) {
		t.Errorf("held again it lost its place in the queue: %+v", again)
	}

	second := first.judged(Verdict{Status: event.Approved}, "ann", now.Add(time.Hour))
	if second.Number != 2 || second.Verdicts != 2 || !second.Held.IsZero() || !second.byPerson() || second.Rule != "" {
		t.Errorf("a person's verdict: %+v", second)
	}
	for version, want := range map[int64]bool{0: false, 1: true, 2: true, 3: true, 4: false} {
		if second.isAt(version) != want {
			t.Errorf("two verdicts on the text of version 1: at version %d is %t, want %t", version, !want, want)
		}
	}

	edited := comment
	edited.Content, edited.Version = new("nicer"), new(int64(4))
	third, isNew := second.arrived(edited, entry(11, event.Comments))
	if !isNew || third.Content != "nicer" || third.Status != "" || third.Number != 2 || third.Verdicts != 0 || third.isAt(3) {
		t.Errorf("a new text: %+v", third)
	}

	// Only the owner numbers versions: a foreign comment's says nothing.
	if d, _ := (decision{}).arrived(comment, entry(10, "somebody")); d.Version != 0 || d.isAt(0) {
		t.Errorf("a foreign comment has version %d, want none", d.Version)
	}

	gone, changed := second.erased(event.CommentDeleted{PostID: "p", ID: "c"}, entry(12, event.Comments))
	if !changed || gone.Content != "" || gone.Author != "" || gone.exists() {
		t.Errorf("a deleted comment keeps %+v", gone)
	}
	if _, isNew := gone.arrived(edited, entry(13, event.Comments)); isNew {
		t.Error("a text came after the deletion")
	}
}

func TestVerdictBecomesAnEvent(t *testing.T) {
	d := decision{
		ID: "c", PostID: "p", Content: "nice", Status: event.Approved, Moderator: "ann", Version: 1, Number: 2,
		Cause: cause{Event: "e", Chain: "first"},
	}
	e, err := d.event()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := e.Decode()
	m, ok := payload.(event.CommentModerated)
	if err != nil || !ok || *m.Version != 1 || *m.Decision != 2 || *m.Content != "nice" || *m.Moderator != "ann" {
		t.Errorf("the event: %+v, %v", payload, err)
	}
	if e.CausationID != "e" || e.CorrelationID != "first" || e.Subject != "p" {
		t.Errorf("the event's place: %+v", e)
	}
}

// A comment is under one post. What others say of it under another one is about
// nothing, in whatever order it is heard, and the owner's word is the last.
func TestAnotherPost(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entry := func(ms uint64, source, typ string) bus.Entry {
		return bus.Entry{ID: bus.ID{Ms: ms}, Event: event.Event{ID: "e", Type: typ, Source: source}}
	}
	text := func(d decision, ms uint64, source, post, content string) decision {
		next, isNew := d.arrived(event.Comment{PostID: post, ID: "c", Content: &content}, entry(ms, source, event.TypeCommentEdited))
		if !isNew {
			return d
		}
		return next.judged(Verdict{Status: event.Flagged}, byRules, now)
	}
	gone := func(d decision, ms uint64, source, post string) decision {
		next, changed := d.erased(event.CommentDeleted{PostID: post, ID: "c"}, entry(ms, source, event.TypeCommentDeleted))
		if !changed {
			return d
		}
		return next
	}
	const owner, other = event.Comments, "somebody"
	known := text(decision{}, 10, owner, "p", "ours")
	for _, tt := range []struct {
		name          string
		got           decision
		post, content string // "" for deleted
	}{
		{"a deletion", gone(known, 20, other, "q"), "p", "ours"},
		{"a deletion that is heard first", text(gone(decision{}, 20, other, "q"), 10, owner, "p", "ours"), "p", "ours"},
		{"the same of a comment that is foreign, too", text(gone(decision{}, 20, other, "q"), 10, other, "p", "theirs"), "p", "theirs"},
		{"a text", text(known, 20, other, "q", "theirs"), "p", "ours"},
		{"a text that is heard first", text(text(decision{}, 20, other, "q", "theirs"), 10, owner, "p", "ours"), "p", "ours"},
		{"the owner's deletion", gone(text(decision{}, 20, other, "q", "theirs"), 30, owner, "p"), "p", ""},
		{"the owner's deletion, heard first", text(gone(gone(decision{}, 20, other, "q"), 30, owner, "p"), 10, owner, "p", "ours"), "p", ""},
		{"a deletion after the owner's", text(gone(gone(decision{}, 30, owner, "p"), 20, other, "q"), 10, owner, "p", "ours"), "p", ""},
	} {
		if tt.got.PostID != tt.post || tt.got.Content != tt.content || tt.got.Deleted != (tt.content == "") {
			t.Errorf("%s under another post: got %+v, want %q under %s", tt.name, tt.got, tt.content, tt.post)
		}
	}
	if again := text(known, 10, owner, "p", "ours"); again.Number != 1 {
		t.Errorf("judged again: %+v", again)
	}
}
