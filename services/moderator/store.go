package moderator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const stream = "{moderator}:events"

func docKey(comment string) string        { return "{moderator}:doc:" + comment }
func approvedKey(authorKey string) string { return "{moderator}:approved:" + authorKey }

// maxTries bounds how often a verdict is made anew because another came first.
const maxTries = 20

// store keeps verdicts in Redis.
type store struct{ bus *bus.Bus }

// approved returns how many approved comments the author has.
func (s *store) approved(ctx context.Context, authorKey string) (int, error) {
	n, err := s.bus.Redis().SCard(ctx, approvedKey(authorKey)).Result()
	return int(n), bus.Err("count approved comments", err)
}

// change stores the verdict that next makes of the last one on the comment,
// together with its event, which joins the chain of cause. next may be asked
// again if another verdict comes in between; when it returns false nothing is
// written.
func (s *store) change(ctx context.Context, comment, content string, cause event.Event, next func(decision) (decision, bool)) error {
	last, doc, err := s.load(ctx, comment)
	for range maxTries {
		if err != nil {
			return err
		}
		d, changed := next(last)
		if !changed {
			return nil
		}
		e, err := d.event(content)
		if err != nil {
			return err
		}
		err = s.commit(ctx, doc, last, d, e.CausedBy(cause))
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return err
		}
		doc = conflict.Now
		if last, err = decode(doc); err != nil {
			return err
		}
	}
	return fmt.Errorf("the verdict on comment %s keeps changing", comment)
}

func (s *store) commit(ctx context.Context, was bus.Doc, last, d decision, e event.Event) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	c := bus.Change{Key: docKey(d.ID), Want: was, Doc: doc, Stream: stream, Event: e}
	if last.Status == event.Approved && last.AuthorKey != "" {
		c.Index = append(c.Index, bus.Index{Verb: bus.SRem, Key: approvedKey(last.AuthorKey), Member: d.ID})
	}
	if d.Status == event.Approved && d.AuthorKey != "" {
		c.Index = append(c.Index, bus.Index{Verb: bus.SAdd, Key: approvedKey(d.AuthorKey), Member: d.ID})
	}
	_, err = s.bus.Commit(ctx, c)
	return err
}

func (s *store) load(ctx context.Context, comment string) (decision, bus.Doc, error) {
	doc, err := s.bus.Load(ctx, docKey(comment), "")
	if err != nil {
		return decision{}, doc, err
	}
	d, err := decode(doc)
	return d, doc, err
}

// decode reads a stored verdict; where there has been none its number is 0.
func decode(doc bus.Doc) (decision, error) {
	var d decision
	if !doc.Exists() {
		return d, nil
	}
	if err := json.Unmarshal(doc.JSON, &d); err != nil {
		return d, fmt.Errorf("stored verdict: %w", err)
	}
	return d, nil
}
