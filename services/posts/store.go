package posts

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
	stream = "{posts}:events"
	ids    = "{posts}:ids"
	keyKey = "{posts}:key"
)

// revokedPrefix is before the id in the keys that count revocations.
const revokedPrefix = "{posts}:token:"

func docKey(id string) string   { return "{posts}:doc:" + id }
func idemKey(key string) string { return "{posts}:idem:" + key }

// maxTries bounds how often a change is made anew because another came first.
const maxTries = 20

// store keeps posts in Redis.
type store struct {
	bus      *bus.Bus
	tokens   *service.EditTokens
	priority bus.Priority // of what it writes
}

func newStore(b *bus.Bus, editKey web.Keys) *store {
	return &store{bus: b, tokens: service.NewEditTokens(b, service.NewEditKey(b, keyKey, editKey), "post", revokedPrefix)}
}

// as returns a store whose writes have that priority.
func (s *store) as(p bus.Priority) *store {
	other := *s
	other.priority = p
	return &other
}

// create stores a new post together with its event. It returns the post as it
// was made: now, or by an earlier request that once knows.
func (s *store) create(ctx context.Context, p Post, once service.Once) (Post, error) {
	e, err := p.event(event.TypePostCreated, p.CreatedAt)
	if err != nil {
		return p, err
	}
	made := service.Made{ID: p.ID, CreatedAt: p.CreatedAt}
	record, err := once.Record(idemKey, made)
	if err != nil {
		return p, err
	}
	err = s.commit(ctx, bus.Doc{}, Post{}, p, bus.Change{Stream: stream, Event: e, Once: record})
	if errors.Is(err, bus.ErrConflict) {
		// The id is new, so what is there is this post, changed since by somebody
		// quicker than the repetition of a write whose reply was lost.
		err = nil
	}
	made, err = once.First(made, err)
	p.ID, p.CreatedAt = made.ID, made.CreatedAt
	return p, err
}

// get returns the post; one that was deleted is web.ErrNotFound.
func (s *store) get(ctx context.Context, id string) (Post, error) {
	p, _, err := s.load(ctx, id)
	if err == nil && (p.Version == 0 || p.Deleted) {
		err = fmt.Errorf("%w: post %s", web.ErrNotFound, id)
	}
	return p, err
}

// list returns a page of posts, newest first, and the cursor of the next one if
// there is one. Posts that are deleted just then are missing.
func (s *store) list(ctx context.Context, page web.Page) (posts []Post, next web.Cursor, err error) {
	found, last, err := s.bus.Walk(ctx, ids, true, bus.Member(page.After), page.Limit)
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
	posts = make([]Post, 0, len(docs))
	for _, d := range docs {
		p, err := decode(d)
		if err != nil {
			return nil, next, err
		}
		if p.listed() {
			posts = append(posts, p)
		}
	}
	return posts, web.Cursor(last), nil
}

// change makes of a post what decide says, together with the event of type typ.
// decide sees the post as it is and may be asked again if that changes; when it
// returns false nothing is written.
func (s *store) change(ctx context.Context, id, typ string, decide func(Post) (Post, bool, error)) (Post, error) {
	now, doc, err := s.load(ctx, id)
	for range maxTries {
		if err != nil {
			return Post{}, err
		}
		if now.Version == 0 || now.Deleted {
			return Post{}, fmt.Errorf("%w: post %s", web.ErrNotFound, id)
		}
		next, changed, err := decide(now)
		if err != nil || !changed {
			return now, err
		}
		next.Undated = false // the event gives the time
		e, err := next.event(typ, time.Now())
		if err != nil {
			return Post{}, err
		}
		err = s.commit(ctx, doc, now, next, bus.Change{Stream: stream, Event: e})
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return next, err
		}
		doc = conflict.Now
		now, err = decode(doc)
		if err != nil {
			return Post{}, err
		}
	}
	return Post{}, fmt.Errorf("%w: post %s keeps changing", web.ErrConflict, id)
}

// takeDown deletes a post by order of a moderator; again, it changes nothing.
func (s *store) takeDown(ctx context.Context, cause event.Event, in event.PostTakenDown) error {
	now, doc, err := s.load(ctx, in.ID)
	for range maxTries {
		if err != nil {
			return err
		}
		next, changed := now.takenDown(in)
		if !changed {
			return nil
		}
		var e event.Event
		if e, err = next.event(event.TypePostDeleted, time.Now()); err != nil {
			return err
		}
		err = s.commit(ctx, doc, now, next, bus.Change{Stream: stream, Event: e.CausedBy(cause)})
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return err
		}
		doc = conflict.Now
		now, err = decode(doc)
	}
	return fmt.Errorf("%w: post %s keeps changing", web.ErrConflict, in.ID)
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
		err = s.commit(ctx, doc, now, next, bus.Change{Adopted: e})
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return err
		}
		doc = conflict.Now
		now, err = decode(doc)
	}
	return fmt.Errorf("%w: post %s keeps changing", web.ErrConflict, id)
}

// stored is a post as it is stored.
type stored struct {
	Post
	Undated  bool      `json:"undated,omitempty"`
	Takedown *takedown `json:"takedown,omitempty"`
}

// commit completes the change from one state of the post to the next.
func (s *store) commit(ctx context.Context, was bus.Doc, now, next Post, c bus.Change) error {
	doc, err := json.Marshal(stored{next, next.Undated, next.Takedown})
	if err != nil {
		return err
	}
	c.Key, c.Want, c.Doc, c.Priority = docKey(next.ID), was, doc, s.priority
	moved := !next.CreatedAt.Equal(now.CreatedAt)
	if now.listed() && (moved || next.Deleted) {
		c.Index = append(c.Index, bus.Index{Verb: bus.ZRem, Key: ids, Member: bus.TimeKey(now.CreatedAt, now.ID)})
	}
	if next.listed() && (moved || !now.listed()) {
		c.Index = append(c.Index, bus.Index{Verb: bus.ZAdd, Key: ids, Member: bus.TimeKey(next.CreatedAt, next.ID)})
	}
	_, err = s.bus.Commit(ctx, c)
	return err
}

func (s *store) load(ctx context.Context, id string) (Post, bus.Doc, error) {
	doc, err := s.bus.Load(ctx, docKey(id), "")
	if err != nil {
		return Post{}, doc, err
	}
	p, err := decode(doc)
	return p, doc, err
}

// decode reads a stored post; one that does not exist has version 0.
func decode(doc bus.Doc) (Post, error) {
	var p stored
	if !doc.Exists() {
		return p.Post, nil
	}
	if err := json.Unmarshal(doc.JSON, &p); err != nil {
		return p.Post, fmt.Errorf("stored post: %w", err)
	}
	p.Post.Undated, p.Post.Takedown = p.Undated, p.Takedown
	return p.Post, nil
}
