// Package moderator judges comments: by rules, by an external judge if there is
// one, and where they hold a comment, by people.
//
// In: CommentCreated, CommentEdited and CommentDeleted from {comments}:events,
// the titles of posts from {posts}:events (consume.go), rules and moderators from
// files that are read again when they change (file.go, people.go), and over HTTP
// the decisions of people (http.go, decisions.go, blocking.go, takedown.go). Out:
// CommentModerated, PostTakenDown, BlockAdded and BlockRemoved on {moderator}:events,
// each written together with the record it is about.
//
// Keys:
//
//	{moderator}:doc:<comment>          the last verdict on a comment, and the text it judged
//	{moderator}:ids                    the comments there are, by the time of their text
//	{moderator}:queue                  those held for a person, by the time since when
//	{moderator}:approved:<author key>  the author's approved comments; so too
//	                                   rejected and flagged
//	{moderator}:title:<post>           the title of a post
//	{moderator}:claim:<comment>        who works on a held comment, for two minutes
//	{moderator}:block:<block>          an author or a network that is held or rejected
//	{moderator}:blocks                 the blocks there are, by time
//	{moderator}:blocked                the blocks by the hashes of their authors and networks
//	{moderator}:takedown:<post>        who took a post down, when and why
//	{moderator}:pace:<author key>      when the author wrote lately
//	{moderator}:same:<hash>            where the same text came lately
//	{moderator}:alarm                  that a comment is held too long, while one is
package moderator

import (
	"slices"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// Port is where the service listens if it is not told otherwise.
const Port = 5003

// Who decided when it was no person. No person can have such a name.
const (
	byRules = "rules"
	byJudge = "judge"
)

// decision is the last verdict on one comment, and the text it was about.
type decision struct {
	ID        string `json:"id"`
	PostID    string `json:"postId"`
	Content   string `json:"content"`
	Author    string `json:"author,omitempty"`
	AuthorKey string `json:"authorKey,omitempty"`
	// AuthorKeys are the values of AuthorKey under older keys, NetworkKey and
	// NetworkKeys the same for the author's network.
	AuthorKeys  []string     `json:"authorKeys,omitempty"`
	NetworkKey  string       `json:"networkKey,omitempty"`
	NetworkKeys []string     `json:"networkKeys,omitempty"`
	Status      event.Status `json:"status"`
	Reason      string       `json:"reason,omitempty"`
	Note        string       `json:"note,omitempty"`
	Rule        string       `json:"rule,omitempty"`
	// Block is the block that decided, if one did.
	Block     string `json:"block,omitempty"`
	Moderator string `json:"moderator"`
	// Version of the comment whose text was judged, 0 if its owner did not say,
	// and Entry the event that brought it.
	Version int64  `json:"version,omitempty"`
	Entry   bus.ID `json:"entry"`
	Cause   cause  `json:"cause"`
	// Number counts the verdicts on this comment from 1, Verdicts those on this text.
	Number   int64     `json:"number"`
	Verdicts int64     `json:"verdicts"`
	Time     time.Time `json:"time"`
	// Held is since when the comment waits for a person, if it does.
	Held time.Time `json:"held,omitzero"`
	// Deleted comments keep nothing but their place in time.
	Deleted bool `json:"deleted,omitempty"`
}

// cause names the event that brought a text: later verdicts join its chain.
type cause struct {
	Event string `json:"event"`
	Chain string `json:"chain"`
}

// exists reports whether there is such a comment, as far as the moderator knows.
func (d decision) exists() bool { return d.Number > 0 && !d.Deleted }

// byPerson reports whether a person decided: then no rule changes it.
func (d decision) byPerson() bool { return d.Moderator != byRules && d.Moderator != byJudge }

// of returns the record as an event about a comment on that post finds it, and false
// if the event is about nothing. A comment is under one post: what others say of it
// under another is not believed, but the owner's word is, and then the record is
// that of another comment. A deletion of what had not been heard of was about
// nothing, too, once the comment comes under another post.
func (d decision) of(post string, e bus.Entry) (decision, bool) {
	deletion := e.Event.Type == event.TypeCommentDeleted
	unheard := d.Deleted && d.Number == 0
	switch {
	case d.PostID == "" || d.PostID == post:
		return d, true
	case e.Event.Foreign() && (deletion || !unheard):
		return d, false
	}
	return decision{Number: d.Number}, true
}

// arrived returns the record of a text that has come and has no verdict yet, and
// false if that text, or a later one, has been judged already.
func (d decision) arrived(c event.Comment, e bus.Entry) (decision, bool) {
	d, ok := d.of(c.PostID, e)
	if !ok || !e.ID.After(d.Entry) || d.Deleted {
		return d, false
	}
	next := decision{
		ID: c.ID, PostID: c.PostID, Content: *c.Content, Entry: e.ID, Number: d.Number,
		Cause: cause{Event: e.Event.ID, Chain: e.Event.CorrelationID},
	}
	set(&next.Author, c.Author)
	set(&next.AuthorKey, c.AuthorKey)
	set(&next.NetworkKey, c.NetworkKey)
	next.AuthorKeys, next.NetworkKeys = c.AuthorKeys, c.NetworkKeys
	if !e.Event.Foreign() {
		set(&next.Version, c.Version) // only the owner numbers versions
	}
	return next, true
}

// judged returns the record after a verdict on its text.
func (d decision) judged(v Verdict, who string, now time.Time) decision {
	held := d.Held
	if v.Status != event.Flagged {
		held = time.Time{}
	} else if held.IsZero() {
		held = now.UTC()
	}
	d.Status, d.Reason, d.Note, d.Rule, d.Block = v.Status, v.Reason, v.Note, v.Rule, ""
	d.Moderator, d.Time, d.Held = who, now.UTC(), held
	d.Number++
	d.Verdicts++
	return d
}

// blockedBy returns the record with the block that decided, "" for none.
func (d decision) blockedBy(block string) decision {
	d.Block = block
	return d
}

// erased returns what remains when the comment has been deleted, and false if
// nothing changes.
func (d decision) erased(c event.CommentDeleted, e bus.Entry) (decision, bool) {
	d, ok := d.of(c.PostID, e)
	return decision{ID: c.ID, PostID: c.PostID, Entry: e.ID, Number: d.Number, Deleted: true}, ok && !d.Deleted
}

// verdict is what was decided of the text.
func (d decision) verdict() Verdict {
	return Verdict{Status: d.Status, Reason: d.Reason, Note: d.Note, Rule: d.Rule}
}

// authors returns the keys that the author is known by, the newest first; none if
// nothing tells the author from another.
func (d decision) authors() []string { return distinctKeys(d.AuthorKey, d.AuthorKeys) }

// networks is authors for the author's network.
func (d decision) networks() []string { return distinctKeys(d.NetworkKey, d.NetworkKeys) }

func distinctKeys(newest string, older []string) []string {
	var keys []string
	for _, key := range append([]string{newest}, older...) {
		if key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// isAt reports whether the decision is about the text that a person has seen at
// that version: the one that brought it, or one that a verdict on it has made.
func (d decision) isAt(version int64) bool {
	return d.Version > 0 && d.Version <= version && version <= d.Version+d.Verdicts
}

// event returns the fact of the verdict.
func (d decision) event() (event.Event, error) {
	m := event.CommentModerated{
		PostID: d.PostID, ID: d.ID, Content: &d.Content, Status: &d.Status, Reason: &d.Reason, Note: &d.Note,
		Rule: &d.Rule, Moderator: &d.Moderator, Decision: &d.Number,
	}
	if d.Version > 0 {
		m.Version = &d.Version
	}
	e, err := event.New(event.Moderator, event.TypeCommentModerated, m, d.Time)
	if err != nil {
		return e, err
	}
	return e.CausedBy(event.Event{ID: d.Cause.Event, CorrelationID: d.Cause.Chain}), nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
