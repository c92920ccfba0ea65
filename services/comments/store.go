package comments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

const (
	stream    = "{comments}:events"
	ids       = "{comments}:ids"
	posts     = "{comments}:posts"
	postsGone = "{comments}:posts:gone"
	unheard   = "{comments}:gone"
	keyKey    = "{comments}:key"

	// revokedPrefix is before the id in the keys that count revocations.
	revokedPrefix = "{comments}:token:"
)

// unheardOf is a member of [unheard].
func unheardOf(post, id string) string { return post + " " + id }

func docKey(id string) string   { return "{comments}:doc:" + id }
func ofKey(post string) string  { return "{comments}:of:" + post }
func idemKey(key string) string { return "{comments}:idem:" + key }

// maxTries bounds how often a change is made anew because another came first.
const maxTries = 20

// store keeps comments in Redis.
type store struct {
	bus      *bus.Bus
	tokens   *service.EditTokens
	authors  *service.AuthorKeys
	priority bus.Priority // of what it writes
}

func newStore(b *bus.Bus, editKey, authorKeys web.Keys) *store {
	key := service.NewEditKey(b, keyKey, editKey)
	return &store{
		bus: b, tokens: service.NewEditTokens(b, key, "comment", revokedPrefix), authors: service.NewAuthorKeys(key, authorKeys),
	}
}

// as returns a store whose writes have that priority.
func (s *store) as(p bus.Priority) *store {
	other := *s
	other.priority = p
	return &other
}

// create stores a new comment together with its event, unless its post is
// unknown or gone by now: then web.ErrNotFound. It returns the comment as it was
// made: now, or by an earlier request that once knows.
func (s *store) create(ctx context.Context, c Comment, once service.Once) (Comment, error) {
	e, err := c.event(event.TypeCommentCreated, c.CreatedAt)
	if err != nil {
		return c, err
	}
	made := service.Made{ID: c.ID, CreatedAt: c.CreatedAt}
	record, err := once.Record(idemKey, made)
	if err != nil {
		return c, err
	}
	err = s.commit(ctx, bus.Doc{}, Comment{}, c, bus.Change{Stream: stream, Event: e, Once: record, Guard: []bus.Guard{
		{Key: posts, Member: c.PostID}, {Key: postsGone, Member: c.PostID, Absent: true},
	}})
	switch {
	case errors.Is(err, bus.ErrGuard):
		err = fmt.Errorf("%w: post %s", web.ErrNotFound, c.PostID)
	case errors.Is(err, bus.ErrConflict):
		// The id is new, so what is there is this comment, judged already while
		// the write whose reply was lost was being repeated.
		err = nil
	}
	made, err = once.First(made, err)
	c.ID, c.CreatedAt = made.ID, made.CreatedAt
	return c, err
}

// get returns the comment; one that was deleted is web.ErrNotFound.
func (s *store) get(ctx context.Context, id string) (Comment, error) {
	c, _, err := s.load(ctx, id)
	if err == nil && (c.Version == 0 || c.Deleted) {
		err = fmt.Errorf("%w: comment %s", web.ErrNotFound, id)
	}
	return c, err
}

// all returns a page of all comments, newest first, and the cursor of the next one
// if there is one. Comments that are deleted just then are missing.
func (s *store) all(ctx context.Context, page web.Page) (comments []Comment, next web.Cursor, err error) {
	return s.list(ctx, ids, true, page)
}

// of is all for the comments of a post, oldest first.
func (s *store) of(ctx context.Context, post string, page web.Page) (comments []Comment, next web.Cursor, err error) {
	return s.list(ctx, ofKey(post), false, page)
}

func (s *store) list(ctx context.Context, index string, newest bool, page web.Page) (comments []Comment, next web.Cursor, err error) {
	found, last, err := s.bus.Walk(ctx, index, newest, bus.Member(page.After), page.Limit)
	if err != nil {
		return nil, next, err
	}
	keys := make([]string, len(found))
	for i, id := range found {
		keys[i] = docKey(id)
	}
	docs, err := s.bus.LoadAll(ctx, keys...)
	if err != nil {
		return nil, next, err
	}
	comments = make([]Comment, 0, len(docs))
	for _, d := range docs {
		c, err := decode(d)
		if err != nil {
			return nil, next, err
		}
		if c.Version > 0 && !c.Deleted {
			comments = append(comments, c)
		}
	}
	return comments, web.Cursor(last), nil
}

// step is what a change makes of a comment.
type step func(Comment) (next Comment, changed bool, err error)

// change makes of a comment what decide says, together with the event of type
// typ, which joins the chain of cause if there is one. decide sees the comment as
// it is, also one that does not exist (version 0) or was deleted, and may be asked
// again if that changes; when it returns false nothing is written.
func (s *store) change(ctx context.Context, id, typ string, cause *event.Event, decide step) (Comment, error) {
	now, doc, err := s.load(ctx, id)
	for range maxTries {
		if err != nil {
			return Comment{}, err
		}
		next, changed, err := decide(now)
		if err != nil || !changed {
			return now, err
		}
		next.Undated = false // the event gives the time
		e, err := next.event(typ, time.Now())
		if err != nil {
			return Comment{}, err
		}
		if cause != nil {
			e = e.CausedBy(*cause)
		}
		err = s.commit(ctx, doc, now, next, bus.Change{Stream: stream, Event: e})
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return next, err
		}
		doc = conflict.Now
		if now, err = decode(doc); err != nil {
			return Comment{}, err
		}
	}
	return Comment{}, fmt.Errorf("%w: comment %s keeps changing", web.ErrConflict, id)
}

// adopt takes in an entry of the stream that this service did not write; again, it
// changes nothing.
func (s *store) adopt(ctx context.Context, e bus.Entry, id string, payload event.Payload) error {
	now, doc, err := s.load(ctx, id)
	for range maxTries {
		if err != nil {
			return err
		}
		next, changed := now.adopted(e, payload, doc.Entry)
		if !changed {
			return nil
		}
		err = s.commit(ctx, doc, now, next, bus.Change{Adopted: e, Guard: []bus.Guard{
			{Key: unheard, Member: unheardOf(next.PostID, id), Absent: true},
		}})
		if errors.Is(err, bus.ErrGuard) {
			return nil // its deletion came first
		}
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return err
		}
		doc = conflict.Now
		now, err = decode(doc)
	}
	return fmt.Errorf("%w: comment %s keeps changing", web.ErrConflict, id)
}

// bury takes in a deletion that this service did not write. One of a comment that
// has not been heard of is noted under the post that it names, so that a deletion
// under a wrong post keeps no comment away.
func (s *store) bury(ctx context.Context, e bus.Entry, in event.CommentDeleted) error {
	now, _, err := s.load(ctx, in.ID)
	if err != nil {
		return err
	}
	if now.Version == 0 {
		err := s.bus.Do(ctx, "SADD", unheard, unheardOf(in.PostID, in.ID)).Err()
		if err != nil {
			return bus.Err("note deletion of comment "+in.ID, err)
		}
	}
	return s.adopt(ctx, e, in.ID, in) // also one that came while that was noted
}

// commit completes the change from one state of the comment to the next.
func (s *store) commit(ctx context.Context, was bus.Doc, now, next Comment, c bus.Change) error {
	doc, err := json.Marshal(next)
	if err != nil {
		return err
	}
	c.Key, c.Want, c.Doc, c.Priority = docKey(next.ID), was, doc, s.priority
	place := func(verb bus.Verb, at Comment) {
		member := bus.TimeKey(at.CreatedAt, at.ID)
		c.Index = append(c.Index, bus.Index{Verb: verb, Key: ids, Member: member}, bus.Index{Verb: verb, Key: ofKey(at.PostID), Member: member})
	}
	moved := !next.CreatedAt.Equal(now.CreatedAt)
	if now.listed() && (moved || next.Deleted) {
		place(bus.ZRem, now)
	}
	if next.listed() && (moved || !now.listed()) {
		place(bus.ZAdd, next)
	}
	_, err = s.bus.Commit(ctx, c)
	return err
}

func (s *store) load(ctx context.Context, id string) (Comment, bus.Doc, error) {
	doc, err := s.bus.Load(ctx, docKey(id), "")
	if err != nil {
		return Comment{}, doc, err
	}
	c, err := decode(doc)
	return c, doc, err
}

// decode reads a stored comment; one that does not exist has version 0.
func decode(doc bus.Doc) (Comment, error) {
	var c Comment
	if !doc.Exists() {
		return c, nil
	}
	if err := json.Unmarshal(doc.JSON, &c); err != nil {
		return c, fmt.Errorf("stored comment: %w", err)
	}
	return c, nil
}

// postExists reports whether the post has been created and not been deleted, as
// far as this service has heard.
func (s *store) postExists(ctx context.Context, id string) (bool, error) {
	p := s.bus.Redis().Pipeline()
	known := p.SIsMember(ctx, posts, id)
	gone := p.SIsMember(ctx, postsGone, id)
	if _, err := p.Exec(ctx); err != nil {
		return false, bus.Err("look up post "+id, err)
	}
	return known.Val() && !gone.Val(), nil
}

// postGone reports whether the post has been deleted, as far as this service has
// heard.
func (s *store) postGone(ctx context.Context, id string) (bool, error) {
	gone, err := s.bus.Redis().SIsMember(ctx, postsGone, id).Result()
	return gone, bus.Err("look up post "+id, err)
}

// postSeen notes that there is, or was, such a post.
func (s *store) postSeen(ctx context.Context, id string) error {
	return bus.Err("note post "+id, s.bus.Do(ctx, "SADD", posts, id).Err())
}

// postDeleted notes that the post is gone for good, whatever is heard of it later.
func (s *store) postDeleted(ctx context.Context, id string) error {
	return bus.Err("note deletion of post "+id, s.bus.Do(ctx, "SADD", postsGone, id).Err())
}
