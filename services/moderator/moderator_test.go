package moderator

import (
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

func TestVerdictsFollowTheText(t *testing.T) {
	file, err := OpenRules("")
	if err != nil {
		t.Fatal(err)
	}
	rules := file.Current()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entry := func(ms uint64, source string) bus.Entry {
		return bus.Entry{ID: bus.ID{Ms: ms}, Event: event.Event{Type: event.TypeCommentCreated, Source: source}}
	}
	comment := event.Comment{
		PostID: "p", ID: "c", Content: new("nice"), Author: new("ann"), AuthorKey: new("key"), Version: new(int64(1)),
	}

	first, changed := decide(decision{}, rules, comment, entry(10, event.Comments), 0, now)
	if !changed || first.Status != event.Approved || first.Number != 1 || first.Version != 1 || first.AuthorKey != "key" || first.Moderator != byRules {
		t.Errorf("the first verdict: %+v", first)
	}
	if again, changed := decide(first, rules, comment, entry(10, event.Comments), 0, now.Add(time.Hour)); changed || again != first {
		t.Errorf("the same text again: %+v", again)
	}
	if _, changed := decide(first, rules, comment, entry(9, event.Comments), 0, now); changed {
		t.Error("an earlier text was judged after a later one")
	}

	edited := comment
	edited.Content, edited.Version = new("pure Racism!"), new(int64(3))
	second, changed := decide(first, rules, edited, entry(11, event.Comments), 0, now)
	if !changed || second.Status != event.Rejected || second.Number != 2 || second.Version != 3 || second.Rule == "" || second.Reason == "" {
		t.Errorf("a new text: %+v", second)
	}

	named := comment
	named.Author = new("terrorism")
	if d, _ := decide(decision{}, rules, named, entry(10, event.Comments), 0, now); d.Status != event.Rejected {
		t.Errorf("the author's name is not judged: %+v", d)
	}

	// Only the owner numbers versions: a foreign comment's says nothing.
	if d, _ := decide(decision{}, rules, comment, entry(10, "somebody"), 0, now); d.Version != 0 {
		t.Errorf("the verdict names version %d of a foreign comment, want none", d.Version)
	}
	e, err := first.event("nice")
	if err != nil {
		t.Fatal(err)
	}
	payload, err := e.Decode()
	if m, ok := payload.(event.CommentModerated); err != nil || !ok || *m.Version != 1 || *m.Decision != 1 || *m.Content != "nice" {
		t.Errorf("the event: %+v, %v", payload, err)
	}
}
