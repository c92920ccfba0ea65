package query

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// What the view should hold, by the streams. It is kept for one share of the
// posts at a time, and of long texts only a digest, so that the memory it takes
// is bounded whatever the streams hold.

// expected is what is known of a post and its comments.
type expected struct {
	post     post
	comments map[string]comment
}

// expectations are the posts of one share.
type expectations map[string]*expected

// apply folds an event.
func (x expectations) apply(t told) {
	about := t.about()
	if about == (subject{}) {
		return
	}
	e := x[about.post]
	if e == nil {
		e = &expected{comments: map[string]comment{}}
		x[about.post] = e
	}
	t.payload = digested(t.payload)
	if about.comment == "" {
		e.post = applyPost(e.post, t.entry, t.payload)
	} else {
		e.comments[about.comment] = applyComment(e.comments[about.comment], t.entry, t.payload)
	}
}

// place is where the post stands in the feed, "" for nowhere.
func (e *expected) place() string {
	if !e.post.shown() {
		return ""
	}
	return bus.TimeKey(e.post.Created.At, e.post.ID)
}

// share returns which of n shares a post belongs to.
func share(postID string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(postID))
	return int(h.Sum32() % uint32(n)) //nolint:gosec // n is small and positive
}

// digested returns the payload with digests for texts.
func digested(payload event.Payload) event.Payload {
	switch in := payload.(type) {
	case event.Post:
		in.Title, in.Body, in.Author = digestOf(in.Title), digestOf(in.Body), digestOf(in.Author)
		return in
	case event.Comment:
		in.Content, in.Author = digestOf(in.Content), digestOf(in.Author)
		return in
	}
	return payload
}

func digestOf(text *string) *string {
	if text == nil {
		return nil
	}
	return new(digest(*text))
}

// digest returns a short text as it is, and something as good as unique instead
// of a long one.
func digest(text string) string {
	if len(text) <= 2*sha256.Size {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (p post) digested() post {
	p.Title.Value, p.Body.Value, p.Author.Value = digest(p.Title.Value), digest(p.Body.Value), digest(p.Author.Value)
	return p
}

func (c comment) digested() comment {
	c.Content.Value, c.Author.Value = digest(c.Content.Value), digest(c.Author.Value)
	return c
}
