package moderator

import (
	"context"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// consumer does what events ask for.
type consumer struct {
	store *store
	rules *RulesFile
	judge *judge // nil if there is none
}

func (c *consumer) handle(ctx context.Context, e bus.Entry) error {
	payload, err := e.Decode()
	if err != nil {
		return err
	}
	switch in := payload.(type) {
	case event.Post:
		return c.store.retitle(ctx, in.ID, title{Title: *in.Title, Entry: e.ID})
	case event.PostDeleted:
		return c.store.retitle(ctx, in.ID, title{Entry: e.ID, Deleted: true})
	case event.CommentDeleted:
		_, err := c.store.change(ctx, in.ID, func(last decision) (decision, bool, error) {
			next, changed := last.erased(in, e)
			return next, changed, nil
		})
		return err
	case event.Comment:
		if e.Event.Type == event.TypeCommentUpdated {
			return nil // no new text
		}
		return c.decide(ctx, e, in)
	}
	return nil
}

// decide judges a text that has come. One that has been judged, by whomever, is
// not judged again.
func (c *consumer) decide(ctx context.Context, e bus.Entry, comment event.Comment) error {
	last, doc, err := c.store.load(ctx, comment.ID)
	if err != nil {
		return err
	}
	next, isNew := last.arrived(comment, e)
	if !isNew {
		return nil
	}
	rules := c.rules.Current()
	text, err := c.store.facts(ctx, rules, next, true)
	if err != nil {
		return err
	}
	blocks, err := c.store.blocking(ctx, next, time.Now())
	if err != nil {
		return err
	}
	v, block := decideWithBlocks(rules, text, blocks)
	who := byRules
	if v.Rule == "" && c.judge != nil {
		if v, err = c.judge.ask(ctx, next); err != nil {
			return err
		}
		who = byJudge
	}
	_, err = c.store.changeFrom(ctx, last, doc, func(last decision) (decision, bool, error) {
		next, isNew := last.arrived(comment, e)
		return next.judged(v, who, time.Now()).blockedBy(block), isNew, nil
	})
	return err
}
