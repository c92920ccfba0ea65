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
