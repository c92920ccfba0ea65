package query

import (
	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// The fold. What is known of a post or a comment is a set of registers, each of
// which takes the value of the highest entry id that carries it; the time of
// creation is the smallest that was seen; deletion is final. Whatever the order
// in which events come, and however often, the outcome is the same: this is a
// map of last-writer-wins registers (Shapiro et al., "A comprehensive study of
// Convergent and Commutative Replicated Data Types", 2011, section 3.2), with the
// stream's own order for a clock.

// register holds a value and the entry that wrote it.
type register[T any] struct {
	Value T      `json:"v"`
	Entry bus.ID `json:"at"`
}

// write takes the value that entry at carries, if it is newer; nil says nothing.
func (r *register[T]) write(value *T, at bus.ID) {
	if value != nil && at.After(r.Entry) {
		r.Value, r.Entry = *value, at
	}
}

// post is what is known of a post.
type post struct {
	ID      string           `json:"id"`
	Title   register[string] `json:"title,omitzero"`
	Body    register[string] `json:"body,omitzero"`
	Author  register[string] `json:"author,omitzero"`
	Version register[int64]  `json:"version,omitzero"`
	Created event.Creation   `json:"created,omitzero"`
	Deleted bool             `json:"deleted,omitempty"`
}

// shown reports whether the post has its place in the feed.
func (p post) shown() bool { return !p.Deleted && !p.Title.Entry.IsZero() }

// version is the one that is shown: 1 if no owner has numbered it.
func (p post) version() int64 { return max(1, p.Version.Value) }

// applyPost returns what is known of a post after an event about it.
func applyPost(p post, e bus.Entry, payload event.Payload) post {
	switch in := payload.(type) {
	case event.PostDeleted:
		return post{ID: in.ID, Deleted: true}
	case event.Post:
		if p.Deleted {
			return p
		}
		p.ID = in.ID
		p.Title.write(in.Title, e.ID)
		p.Body.write(in.Body, e.ID)
		p.Author.write(in.Author, e.ID)
		p.Version.write(owned(in.Version, e.Event), e.ID)
		p.Created.See(in.CreatedAt, e.ID.Time())
	}
	return p
}

// comment is what is known of a comment.
type comment struct {
	ID      string                 `json:"id"`
	Content register[string]       `json:"content,omitzero"`
	Author  register[string]       `json:"author,omitzero"`
	Status  register[event.Status] `json:"status,omitzero"`
	Version register[int64]        `json:"version,omitzero"`
	Created event.Creation         `json:"created,omitzero"`
	Deleted bool                   `json:"deleted,omitempty"`
}

// shown reports whether the comment has its place under its post.
func (c comment) shown() bool { return !c.Deleted && !c.Content.Entry.IsZero() }

// approved reports whether the comment counts.
func (c comment) approved() bool { return c.shown() && c.Status.Value == event.Approved }

// version is the one that is shown: 1 if no owner has numbered it.
func (c comment) version() int64 { return max(1, c.Version.Value) }

// applyComment returns what is known of a comment after an event about it.
func applyComment(c comment, e bus.Entry, payload event.Payload) comment {
	switch in := payload.(type) {
	case event.CommentDeleted:
		return comment{ID: in.ID, Deleted: true}
	case event.Comment:
		if c.Deleted {
			return c
		}
		c.ID = in.ID
		c.Content.write(in.Content, e.ID)
		c.Author.write(in.Author, e.ID)
		c.Status.write(in.Status, e.ID)
		c.Version.write(owned(in.Version, e.Event), e.ID)
		c.Created.See(in.CreatedAt, e.ID.Time())
	}
	return c
}

// owned returns the version, or nil if it was not the owner who numbered it.
func owned(version *int64, e event.Event) *int64 {
	if e.Foreign() {
		return nil
	}
	return version
}
