// Package query keeps the view of posts with their comments, and is the only
// service that the public feed is read from.
//
// In: every event of {posts}:events and {comments}:events, folded into the view
// (fold.go, consume.go) or, all from the start, into a new one (rebuild.go). Out:
// pages over HTTP (http.go), Atom feeds (atom.go), changes of the view as
// server-sent events (changes.go, hub.go, stream.go); no events.
//
// Keys, of each generation of the view (generations.go), with its number for 1:
//
//	{query}:1:post:<id>        what is known of a post
//	{query}:1:feed             the posts to show, by time and id
//	{query}:1:comments:<post>  what is known of each comment of a post (a hash)
//	{query}:1:approved:<post>  its approved comments, by time and id
//	{query}:1:others:<post>    the others that are shown, by time and id, each with its status and version
//
// and beside the generations:
//
//	{query}:gens               which there are, and which of them is read
//	{query}:epoch              changes with the list; every write depends on it
//	{query}:rebuild            who makes a generation, with a TTL
//	{query}:changes            a stream of notices of what has changed lately
//
// The view lies in one slot; that one Redis node can hold it is the stated limit.
package query

import (
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// Port is where the service listens if it is not told otherwise.
const Port = 5004

const (
	// previewed is how many of a post's latest approved comments come with it on a
	// page, and at most how many of the others that are newer than the oldest of those.
	previewed = 20
	// previewCut is how many characters of a comment's text come with its post.
	previewCut = 2_000
)

// postView is a post as it is shown.
type postView struct {
	ID           string        `json:"id"`
	Title        string        `json:"title"`
	Body         string        `json:"body"`
	Author       string        `json:"author"`
	CreatedAt    time.Time     `json:"createdAt"`
	Version      int64         `json:"version"`
	CommentCount int64         `json:"commentCount"`        // of approved ones
	Comments     []commentView `json:"comments"`            // the latest, in posting order
	Truncated    bool          `json:"truncated,omitempty"` // body is only its beginning
}

// commentView is a comment as it is shown: without a text and a name until they
// are approved.
type commentView struct {
	ID        string       `json:"id"`
	Content   string       `json:"content"`
	Author    string       `json:"author"`
	Status    event.Status `json:"status"`
	CreatedAt time.Time    `json:"createdAt"`
	Version   int64        `json:"version"`
	Truncated bool         `json:"truncated,omitempty"` // content is only its beginning
}

// view returns the post as it is shown, without its comments.
func (p post) view(approved int64) postView {
	return postView{
		ID: p.ID, Title: p.Title.Value, Body: p.Body.Value, Author: p.Author.Value, CreatedAt: p.Created.At,
		Version: p.version(), CommentCount: approved, Comments: []commentView{},
	}
}

// cut shortens the text to n characters, and says so where that changes it.
func (c *commentView) cut(n int) {
	if content, short := web.Cut(c.Content, n); short {
		c.Content, c.Truncated = content, true
	}
}

// cut shortens the body to n characters, and says so where that changes it.
func (v *postView) cut(n int) {
	if body, short := web.Cut(v.Body, n); short {
		v.Body, v.Truncated = body, true
	}
}

// view returns the comment as it is shown.
func (c comment) view() commentView {
	v := commentView{ID: c.ID, Status: c.Status.Value, CreatedAt: c.Created.At, Version: c.version()}
	if v.Status == event.Approved {
		v.Content, v.Author = c.Content.Value, c.Author.Value
	}
	return v
}
