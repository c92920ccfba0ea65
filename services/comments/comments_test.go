package comments

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// held is a comment that waits for its first verdict.
func held() Comment {
	return Comment{
		ID: "c", PostID: "p", Content: "a text", Author: "ann", Status: event.Pending,
		CreatedAt: at, Version: 1, Text: 1,
	}
}

// verdict is the moderator's on the text of held, as its first decision.
func verdict(change func(*event.CommentModerated)) event.CommentModerated {
	m := event.CommentModerated{
		PostID: "p", ID: "c", Content: new("a text"), Status: new(event.Approved),
		Version: new(int64(1)), Decision: new(int64(1)),
	}
	change(&m)
	return m
}

func TestJudged(t *testing.T) {
	approved := held()
	approved.Status, approved.Version, approved.Decision, approved.Judged = event.Approved, 2, 1, bus.ID{Ms: 10}
	edited := approved
	edited.Content, edited.Status, edited.Version, edited.Text = "another text", event.Pending, 3, 3

	for _, tt := range []struct {
		name    string
		comment Comment
		verdict event.CommentModerated
		at      uint64
		status  event.Status // "" for no change
	}{
		{"the first verdict", held(), verdict(func(*event.CommentModerated) {}), 10, event.Approved},
		{"held for a person", held(), verdict(func(m *event.CommentModerated) { m.Status = new(event.Flagged) }), 10, event.Flagged},
		{"the same again", approved, verdict(func(*event.CommentModerated) {}), 10, ""},
		{"an earlier entry", approved, verdict(func(m *event.CommentModerated) { m.Status, m.Decision = new(event.Rejected), new(int64(2)) }), 9, ""},
		{"an overrule", approved, verdict(func(m *event.CommentModerated) { m.Status, m.Decision = new(event.Rejected), new(int64(2)) }), 11, event.Rejected},
		{"a number that has not grown", approved, verdict(func(m *event.CommentModerated) { m.Status = new(event.Rejected) }), 11, ""},
		{"on a text that is gone", edited, verdict(func(m *event.CommentModerated) { m.Decision = new(int64(2)) }), 11, ""},
		{"on a text that is yet to come", held(), verdict(func(m *event.CommentModerated) { m.Version = new(int64(2)) }), 11, ""},
		{"on the present text, seen at a later version", approved, verdict(func(m *event.CommentModerated) {
			m.Version, m.Decision, m.Status = new(int64(2)), new(int64(2)), new(event.Rejected)
		}), 11, event.Rejected},
		{"foreign, quoting the present text", held(), verdict(func(m *event.CommentModerated) { m.Version, m.Decision = nil, nil }), 10, event.Approved},
		{"foreign, quoting another text", edited, verdict(func(m *event.CommentModerated) { m.Version, m.Decision = nil, nil }), 11, ""},
		{"foreign, older than the last", approved, verdict(func(m *event.CommentModerated) { m.Version, m.Decision = nil, nil }), 9, ""},
		{"foreign, with numbers that mean nothing", approved, verdict(func(m *event.CommentModerated) {
			m.Status, m.Version, m.Decision = new(event.Rejected), new(int64(7)), new(int64(1<<50))
		}), 11, event.Rejected},
		{"foreign, numbered as if it were the present text", edited, verdict(func(m *event.CommentModerated) { m.Version, m.Decision = new(int64(3)), new(int64(2)) }), 11, ""},
		{"of another post", held(), verdict(func(m *event.CommentModerated) { m.PostID = "q" }), 10, ""},
		{"pending is no verdict", held(), verdict(func(m *event.CommentModerated) { m.Status = new(event.Pending) }), 10, ""},
		{"after the deletion", held().deleted(), verdict(func(*event.CommentModerated) {}), 10, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source := event.Moderator
			if strings.HasPrefix(tt.name, "foreign") {
				source = "somebody"
			}
			got, changed := tt.comment.judged(tt.verdict, bus.Entry{
				ID: bus.ID{Ms: tt.at}, Event: event.Event{Type: event.TypeCommentModerated, Source: source},
			})
			if changed != (tt.status != "") {
				t.Fatalf("changed: %t, want %t", changed, tt.status != "")
			}
			want := tt.comment
			if changed {
				want.Status, want.Version, want.Judged = tt.status, tt.comment.Version+1, bus.ID{Ms: tt.at}
				if source == event.Moderator {
					want.Decision = *tt.verdict.Decision
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEdited(t *testing.T) {
	approved := held()
	approved.Status, approved.Version, approved.Reason, approved.Note = event.Approved, 2, "fine", "thanks"
	got, changed := approved.edited(edit{Content: new("another text")})
	want := approved
	want.Content, want.Status, want.Reason, want.Note, want.Version, want.Text = "another text", event.Pending, "", "", 3, 3
	if diff := cmp.Diff(want, got); diff != "" || !changed {
		t.Errorf("a new text must wait for a verdict again: changed %t\n%s", changed, diff)
	}
	if got, changed := approved.edited(edit{Content: new(approved.Content)}); changed || !cmp.Equal(approved, got) {
		t.Errorf("the same text: changed to %+v", got)
	}
}

func TestAdopted(t *testing.T) {
	entry := bus.ID{Ms: uint64(at.Add(time.Minute).UnixMilli())}
	foreign := func(typ string) bus.Entry {
		return bus.Entry{ID: entry, Event: event.Event{Type: typ, Source: "somebody", Time: at.Add(time.Hour)}}
	}
	last := bus.ID{Ms: 1}
	minimal := event.Comment{PostID: "p", ID: "c", Content: new("a text"), Status: new(event.Pending)}
	got, changed := Comment{}.adopted(foreign(event.TypeCommentCreated), minimal, bus.ID{})
	want := Comment{
		ID: "c", PostID: "p", Content: "a text", Status: event.Pending, CreatedAt: entry.Time(), Undated: true, Version: 1, Text: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" || !changed {
		t.Errorf("a new one: changed %t\n%s", changed, diff)
	}

	update := event.Comment{PostID: "p", ID: "c", Content: new("a text"), Status: new(event.Approved), Reason: new("fine")}
	got, _ = held().adopted(foreign(event.TypeCommentUpdated), update, last)
	want = held()
	want.Status, want.Reason, want.Version = event.Approved, "fine", 2
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an update: %s", diff)
	}

	moved := update
	moved.PostID = "q"
	if got, changed := held().adopted(foreign(event.TypeCommentUpdated), moved, last); changed {
		t.Errorf("a comment moved to another post: %+v", got)
	}

	gone := event.CommentDeleted{PostID: "p", ID: "c"}
	for _, payload := range []event.Payload{event.CommentDeleted{PostID: "q", ID: "c"}, event.CommentDeleted{PostID: "q", ID: "c", Version: new(int64(9))}} {
		if got, changed := held().adopted(foreign(event.TypeCommentDeleted), payload, last); changed {
			t.Errorf("a deletion under another post: %+v", got)
		}
	}
	if got, changed := held().adopted(foreign(event.TypeCommentUpdated), update, entry); changed {
		t.Errorf("an entry that is no news: %+v", got)
	}

	deleted, changed := held().adopted(foreign(event.TypeCommentDeleted), gone, entry)
	if !changed || !deleted.Deleted || deleted.Content != "" || deleted.Version != 2 {
		t.Errorf("a deletion: %+v", deleted)
	}
	if got, changed := deleted.adopted(foreign(event.TypeCommentCreated), minimal, last); changed {
		t.Errorf("brought back: %+v", got)
	}
}

func TestOnlyApprovedCommentsShowTheirTexts(t *testing.T) {
	for status, shown := range map[event.Status]bool{
		event.Pending: false, event.Approved: true, event.Rejected: false, event.Flagged: false,
	} {
		c := held()
		c.Status, c.Reason, c.Note, c.AuthorKey = status, "a reason", "a note", "key"
		got := c.public()
		want := view{ID: "c", PostID: "p", Status: status, CreatedAt: at, Version: 1}
		if shown {
			want.Content, want.Author = "a text", "ann"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, to the public: %s", status, diff)
		}
		want.Content, want.Author, want.Reason, want.Note = "a text", "ann", "a reason", "a note"
		if diff := cmp.Diff(want, c.private()); diff != "" {
			t.Errorf("%s, to its author: %s", status, diff)
		}
	}
}
