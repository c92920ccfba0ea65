// Package moderator judges comments by rules.
//
// In: CommentCreated and CommentEdited from {comments}:events (consume.go), the
// rules from a file that is read again when it changes (file.go), and HTTP to try
// a text (http.go). Out: CommentModerated on {moderator}:events, written together
// with the verdict's record.
//
// Keys:
//
//	{moderator}:doc:<comment>          the last verdict on a comment
//	{moderator}:approved:<author key>  the author's approved comments
package moderator

import (
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// Port is where the service listens if it is not told otherwise.
const Port = 5003

// byRules is who decided when it was no person.
const byRules = "rules"

// decision is the last verdict on one comment.
type decision struct {
	ID        string       `json:"id"`
	PostID    string       `json:"postId"`
	AuthorKey string       `json:"authorKey,omitempty"`
	Status    event.Status `json:"status"`
	Reason    string       `json:"reason,omitempty"`
	Note      string       `json:"note,omitempty"`
	Rule      string       `json:"rule,omitempty"`
	Moderator string       `json:"moderator"`
	// Version of the comment whose text was judged, 0 if its owner did not say,
	// and Entry the event that brought it.
	Version int64  `json:"version,omitempty"`
	Entry   bus.ID `json:"entry"`
	// Number counts the verdicts on this comment from 1.
	Number int64     `json:"number"`
	Time   time.Time `json:"time"`
}

// decide returns the verdict that follows last for the text that came with the
// entry, and false if that text, or a later one, has been judged already.
func decide(last decision, rules Rules, c event.Comment, e bus.Entry, approved int, now time.Time) (decision, bool) {
	if !e.ID.After(last.Entry) {
		return last, false
	}
	next := decision{
		ID: c.ID, PostID: c.PostID, Entry: e.ID, Number: last.Number + 1, Moderator: byRules, Time: now.UTC(),
	}
	if c.AuthorKey != nil {
		next.AuthorKey = *c.AuthorKey
	}
	if c.Version != nil && !e.Event.Foreign() {
		next.Version = *c.Version
	}
	text := Text{Content: *c.Content, Approved: approved, KnownAuthor: next.AuthorKey != ""}
	if c.Author != nil {
		text.Author = *c.Author
	}
	v := rules.Decide(text)
	next.Status, next.Reason, next.Note, next.Rule = v.Status, v.Reason, v.Note, v.Rule
	return next, true
}

// event returns the fact of the verdict on the given text.
func (d decision) event(content string) (event.Event, error) {
	m := event.CommentModerated{
		PostID: d.PostID, ID: d.ID, Content: &content, Status: &d.Status, Reason: &d.Reason, Note: &d.Note,
		Rule: &d.Rule, Moderator: &d.Moderator, Decision: &d.Number,
	}
	if d.Version > 0 {
		m.Version = &d.Version
	}
	return event.New(event.Moderator, event.TypeCommentModerated, m, d.Time)
}
