// Package posts accepts, changes and deletes posts.
//
// In: HTTP (http.go), from {posts}:events what others wrote there, and PostTakenDown
// from {moderator}:events (consume.go). Out: PostCreated, PostUpdated and PostDeleted on {posts}:events,
// each written together with the post it tells of.
//
// Keys:
//
//	{posts}:doc:<id>       the post, or what remains of one that was deleted
//	{posts}:ids            the posts there are, by time and id
//	{posts}:idem:<key>     what was made under an Idempotency-Key, for 24 h
//	{posts}:key            the key of edit tokens, if none is configured
//	{posts}:token:<id>     how often the edit token of a post was revoked
//	rate:{posts}:<client>  how much a client may write, while it is not all
package posts

import (
	"fmt"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// Port is where the service listens if it is not told otherwise.
const Port = 5001

// Limits of a post, in characters.
const (
	maxTitle  = 300
	maxBody   = 20_000
	maxAuthor = 80
)

// maxRequest is the greatest size of a request's body in bytes. The longest post
// fits, though all its characters be pairs of \u escapes, of 12 bytes together.
const maxRequest = 256 << 10

// Post is a post as it is stored and, unless it is deleted, shown.
type Post struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Body      string    `json:"body"`
	Author    string    `json:"author"`
	CreatedAt time.Time `json:"createdAt"`
	// Undated says that no event has given CreatedAt: it is the time of an entry. It
	// is stored beside the post and not shown.
	Undated bool `json:"-"`
	// Version counts the changes from 1.
	Version int64 `json:"version"`
	// Deleted posts keep their id and version, so that nothing brings them back.
	Deleted bool `json:"deleted,omitempty"`
	// Takedown is set if a moderator deleted the post. It is stored beside the post.
	Takedown *takedown `json:"-"`
}

// takedown is what a moderator said of a post that they took down.
type takedown struct {
	Reason string `json:"reason,omitempty"`
	Note   string `json:"note,omitempty"`
}

// newPost is the body of POST /posts.
type newPost struct {
	Title  string `json:"title"`
	Body   string `json:"body"`
	Author string `json:"author"`
}

// Validate trims the texts and reports what is wrong with them.
func (n *newPost) Validate() error {
	var v web.Check
	n.Title = v.Line("/title", n.Title, 1, maxTitle)
	n.Body = v.Text("/body", n.Body, 0, maxBody)
	n.Author = v.Line("/author", n.Author, 0, maxAuthor)
	return v.Err()
}

// edit is the body of PATCH /posts/{id}: what it does not name stays.
type edit struct {
	Title  *string `json:"title"`
	Body   *string `json:"body"`
	Author *string `json:"author"`
}

// Validate trims the texts and reports what is wrong with them.
func (e *edit) Validate() error {
	var v web.Check
	v.Require(e.Title != nil || e.Body != nil || e.Author != nil, "", "must name at least one of title, body and author")
	if e.Title != nil {
		*e.Title = v.Line("/title", *e.Title, 1, maxTitle)
	}
	if e.Body != nil {
		*e.Body = v.Text("/body", *e.Body, 0, maxBody)
	}
	if e.Author != nil {
		*e.Author = v.Line("/author", *e.Author, 0, maxAuthor)
	}
	return v.Err()
}

// edited returns the post with the edit made, and whether that changes it.
func (p Post) edited(e edit) (Post, bool) {
	next := p
	set(&next.Title, e.Title)
	set(&next.Body, e.Body)
	set(&next.Author, e.Author)
	if next == p {
		return p, false
	}
	next.Version++
	return next, true
}

// listed reports whether the post has its place in the list.
func (p Post) listed() bool { return p.Version > 0 && !p.Deleted }

// deleted returns what remains of the post.
func (p Post) deleted() Post {
	return Post{ID: p.ID, CreatedAt: p.CreatedAt, Version: p.Version + 1, Deleted: true}
}

// takenDown returns what remains of the post after a moderator's order to delete it,
// and false if it is deleted already. A post that was not heard of yet is deleted
// before it comes.
func (p Post) takenDown(in event.PostTakenDown) (Post, bool) {
	if p.Deleted {
		return p, false
	}
	p.ID = in.ID
	p = p.deleted()
	p.Takedown = &takedown{}
	set(&p.Takedown.Reason, in.Reason)
	set(&p.Takedown.Note, in.Note)
	return p, true
}

// adopted returns the post, which is as of the entry last, after one that somebody
// else wrote to the stream, and whether that changes it. Fields that the event
// leaves out stay. Of an entry before last, which others have overtaken, only the
// time of creation is news; but a deletion is final however late it comes.
func (p Post) adopted(e bus.Entry, payload event.Payload, last bus.ID) (Post, bool) {
	if p.Deleted {
		return p, false
	}
	switch in := payload.(type) {
	case event.PostDeleted:
		p.ID = in.ID
		return p.deleted(), true
	case event.Post:
		created := event.Creation{At: p.CreatedAt, Given: p.Version > 0 && !p.Undated}
		created.See(in.CreatedAt, e.ID.Time())
		news := e.ID.After(last)
		if !news && created.At.Equal(p.CreatedAt) {
			return p, false
		}
		p.ID, p.CreatedAt, p.Undated = in.ID, created.At, !created.Given
		p.Version++
		if news {
			set(&p.Title, in.Title)
			set(&p.Body, in.Body)
			set(&p.Author, in.Author)
		}
		return p, true
	}
	return p, false
}

// event returns the fact that the post is now as it is.
func (p Post) event(typ string, now time.Time) (event.Event, error) {
	if p.Deleted {
		return event.New(event.Posts, typ, event.PostDeleted{ID: p.ID, Version: &p.Version}, now)
	}
	e, err := event.New(event.Posts, typ, event.Post{
		ID: p.ID, Title: &p.Title, Body: &p.Body, Author: &p.Author, CreatedAt: &p.CreatedAt, Version: &p.Version,
	}, now)
	if err != nil {
		return e, fmt.Errorf("post %s: %w", p.ID, err)
	}
	return e, nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}
