// Package comments accepts comments, holds them as pending, and applies the
// moderator's verdicts.
//
// In: HTTP (http.go, and stream.go for authors who wait for a verdict);
// PostCreated, PostUpdated and PostDeleted from {posts}:events; CommentModerated
// from {moderator}:events; and from {comments}:events what others wrote there
// (consume.go). Out: CommentCreated,
// CommentEdited, CommentUpdated and CommentDeleted on {comments}:events, each
// written together with the comment it tells of.
//
// Keys:
//
//	{comments}:doc:<id>       the comment, or what remains of one that was deleted
//	{comments}:gone           "<post> <id>" of those that others deleted before they
//	                          were heard of here
//	{comments}:ids            the comments there are, by time and id
//	{comments}:of:<post>      those of one post, likewise
//	{comments}:posts          ids of the posts that there are or were
//	{comments}:posts:gone     ids of those that were deleted
//	{comments}:idem:<key>     what was made under an Idempotency-Key, for 24 h
//	{comments}:key            the key of edit tokens, if none is configured
//	{comments}:token:<id>     how often the edit token of a comment was revoked
//	rate:{comments}:<client>  how much a client may write, while it is not all
package comments

import (
	"fmt"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// Port is where the service listens if it is not told otherwise.
const Port = 5002

// Limits of a comment, in characters.
const (
	maxContent = 5_000
	maxAuthor  = 80
)

// Comment is a comment as it is stored.
type Comment struct {
	ID        string `json:"id"`
	PostID    string `json:"postId"`
	Content   string `json:"content"`
	Author    string `json:"author"`
	AuthorKey string `json:"authorKey,omitempty"`
	// AuthorKeys are the values of AuthorKey under older keys, NetworkKey and
	// NetworkKeys the same for the author's network.
	AuthorKeys  []string     `json:"authorKeys,omitempty"`
	NetworkKey  string       `json:"networkKey,omitempty"`
	NetworkKeys []string     `json:"networkKeys,omitempty"`
	Status      event.Status `json:"status"`
	Reason      string       `json:"reason,omitempty"`
	Note        string       `json:"note,omitempty"`
	CreatedAt   time.Time    `json:"createdAt"`
	// Undated says that no event has given CreatedAt: it is the time of an entry.
	Undated bool `json:"undated,omitempty"`
	// Version counts the changes from 1, verdicts included; Text is the version
	// that brought the present text.
	Version int64 `json:"version"`
	Text    int64 `json:"text"`
	// Decision is the number of the last verdict applied, and Judged its entry.
	Decision int64  `json:"decision,omitempty"`
	Judged   bus.ID `json:"judged,omitzero"`
	// Deleted comments keep their id and version, so that nothing brings them back.
	Deleted bool `json:"deleted,omitempty"`
}

// newComment is the body of POST /posts/{id}/comments.
type newComment struct {
	Content string `json:"content"`
	Author  string `json:"author"`
}

// Validate trims the texts and reports what is wrong with them.
func (n *newComment) Validate() error {
	var v web.Check
	n.Content = v.Text("/content", n.Content, 1, maxContent)
	n.Author = v.Line("/author", n.Author, 0, maxAuthor)
	return v.Err()
}

// edit is the body of PATCH /comments/{id}: what it does not name stays.
type edit struct {
	Content *string `json:"content"`
	Author  *string `json:"author"`
}

// Validate trims the texts and reports what is wrong with them.
func (e *edit) Validate() error {
	var v web.Check
	v.Require(e.Content != nil || e.Author != nil, "", "must name at least one of content and author")
	if e.Content != nil {
		*e.Content = v.Text("/content", *e.Content, 1, maxContent)
	}
	if e.Author != nil {
		*e.Author = v.Line("/author", *e.Author, 0, maxAuthor)
	}
	return v.Err()
}

// edited returns the comment with the edit made, and whether that changes it.
// A changed text waits for a verdict again.
func (c Comment) edited(e edit) (Comment, bool) {
	next := c
	set(&next.Content, e.Content)
	set(&next.Author, e.Author)
	if next.Content == c.Content && next.Author == c.Author {
		return c, false
	}
	next.Version++
	next.Text = next.Version
	next.Status, next.Reason, next.Note = event.Pending, "", ""
	return next, true
}

// listed reports whether the comment has its place in the lists.
func (c Comment) listed() bool { return c.Version > 0 && !c.Deleted }

// deleted returns what remains of the comment.
func (c Comment) deleted() Comment {
	return Comment{ID: c.ID, PostID: c.PostID, CreatedAt: c.CreatedAt, Version: c.Version + 1, Deleted: true}
}

// judged returns the comment after the verdict of an entry, and whether that
// changes it. It does only if the text judged is the present one and the verdict
// is newer than the last. A verdict that names no version speaks of the text that
// it quotes, and so does every foreign one: what only the owner numbers means
// nothing there.
func (c Comment) judged(m event.CommentModerated, e bus.Entry) (Comment, bool) {
	if e.Event.Foreign() {
		m.Version, m.Decision = nil, nil
	}
	switch {
	case c.Deleted || m.PostID != c.PostID || !e.ID.After(c.Judged):
		return c, false
	case m.Version != nil && (*m.Version < c.Text || *m.Version > c.Version):
		return c, false
	case m.Version == nil && *m.Content != c.Content:
		return c, false
	case m.Decision != nil && *m.Decision <= c.Decision:
		return c, false
	case *m.Status == event.Pending:
		return c, false // no verdict
	}
	c.Status, c.Reason, c.Note = *m.Status, "", ""
	set(&c.Reason, m.Reason)
	set(&c.Note, m.Note)
	set(&c.Decision, m.Decision)
	c.Judged = e.ID
	c.Version++
	return c, true
}

// adopted returns the comment, which is as of the entry last, after one that
// somebody else wrote to the stream, and whether that changes it. Fields that the
// event leaves out stay. Of an entry before last, which others have overtaken, only
// the time of creation is news; but a deletion is final however late it comes. An
// event under another post is about no comment that there is.
func (c Comment) adopted(e bus.Entry, payload event.Payload, last bus.ID) (Comment, bool) {
	if c.Deleted || c.Version > 0 && payload.PostKey() != c.PostID {
		return c, false
	}
	switch in := payload.(type) {
	case event.CommentDeleted:
		return c.deleted(), c.Version > 0
	case event.Comment:
		created := event.Creation{At: c.CreatedAt, Given: c.Version > 0 && !c.Undated}
		created.See(in.CreatedAt, e.ID.Time())
		news := e.ID.After(last)
		if !news && created.At.Equal(c.CreatedAt) {
			return c, false
		}
		c.ID, c.PostID, c.CreatedAt, c.Undated = in.ID, in.PostID, created.At, !created.Given
		c.Version++
		if !news {
			return c, true
		}
		if c.Text == 0 || e.Event.Type != event.TypeCommentUpdated {
			c.Text, c.Reason, c.Note = c.Version, "", ""
		}
		set(&c.Content, in.Content)
		set(&c.Author, in.Author)
		set(&c.AuthorKey, in.AuthorKey)
		set(&c.NetworkKey, in.NetworkKey)
		if in.AuthorKey != nil {
			c.AuthorKeys = in.AuthorKeys
		}
		if in.NetworkKey != nil {
			c.NetworkKeys = in.NetworkKeys
		}
		set(&c.Status, in.Status)
		set(&c.Reason, in.Reason)
		set(&c.Note, in.Note)
		return c, true
	}
	return c, false
}

// public returns what everybody may see of the comment: without a text and a
// name until they are approved.
func (c Comment) public() view {
	v := view{ID: c.ID, PostID: c.PostID, Status: c.Status, CreatedAt: c.CreatedAt, Version: c.Version}
	if c.Status == event.Approved {
		v.Content, v.Author = c.Content, c.Author
	}
	return v
}

// private returns what the comment's author and the admin may see of it: all of it.
func (c Comment) private() view {
	v := c.public()
	v.Content, v.Author, v.Reason, v.Note = c.Content, c.Author, c.Reason, c.Note
	return v
}

// view is a comment as it is shown.
type view struct {
	ID        string       `json:"id"`
	PostID    string       `json:"postId"`
	Content   string       `json:"content"`
	Author    string       `json:"author"`
	Status    event.Status `json:"status"`
	Reason    string       `json:"reason,omitempty"`
	Note      string       `json:"note,omitempty"`
	CreatedAt time.Time    `json:"createdAt"`
	Version   int64        `json:"version"`
}

// event returns the fact that the comment is now as it is.
func (c Comment) event(typ string, now time.Time) (event.Event, error) {
	if c.Deleted {
		return event.New(event.Comments, typ, event.CommentDeleted{PostID: c.PostID, ID: c.ID, Version: &c.Version}, now)
	}
	payload := event.Comment{
		PostID: c.PostID, ID: c.ID, Content: &c.Content, Author: &c.Author,
		AuthorKey: &c.AuthorKey, AuthorKeys: c.AuthorKeys, NetworkKeys: c.NetworkKeys,
		Status: &c.Status, Reason: &c.Reason, Note: &c.Note, CreatedAt: &c.CreatedAt, Version: &c.Version,
	}
	if c.NetworkKey != "" { // comments of older versions have none
		payload.NetworkKey = &c.NetworkKey
	}
	e, err := event.New(event.Comments, typ, payload, now)
	if err != nil {
		return e, fmt.Errorf("comment %s: %w", c.ID, err)
	}
	return e, nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
