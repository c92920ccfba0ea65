package comments

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// consumer does what events ask for.
type consumer struct {
	store *store

	mu sync.Mutex
	// awaited says, for verdicts on comments that are not held here, how far the
	// own stream must have been read before that is final.
	awaited map[bus.ID]bus.ID
}

func (c *consumer) handle(ctx context.Context, e bus.Entry) error {
	payload, err := e.Decode()
	if err != nil {
		return err
	}
	if e.Stream == stream && !e.Event.Foreign() {
		return nil // written together with the comment
	}
	switch p := payload.(type) {
	case event.Post:
		return c.store.postSeen(ctx, p.ID)
	case event.PostDeleted:
		return c.dropPost(ctx, e, p.ID)
	case event.CommentModerated:
		return c.judge(ctx, e, p)
	case event.Comment:
		return c.adopt(ctx, e, p)
	case event.CommentDeleted:
		return c.store.bury(ctx, e, p)
	}
	return nil
}

// adopt takes in a comment that somebody else wrote to this service's stream. Since
// the post's deletion is noted before its comments are listed, either that finds
// this one or this finds that note.
func (c *consumer) adopt(ctx context.Context, e bus.Entry, in event.Comment) error {
	if err := c.store.adopt(ctx, e, in.ID, in); err != nil {
		return err
	}
	gone, err := c.store.postGone(ctx, in.PostID)
	if err != nil || !gone {
		return err
	}
	return c.drop(ctx, e, in.PostID, in.ID)
}

// judge applies a verdict. Applying it again, or after a later one, changes
// nothing.
func (c *consumer) judge(ctx context.Context, e bus.Entry, m event.CommentModerated) error {
	unknown := false
	_, err := c.store.change(ctx, m.ID, event.TypeCommentUpdated, &e.Event, func(now Comment) (Comment, bool, error) {
		unknown = now.Version == 0
		if unknown {
			return now, false, nil
		}
		next, changed := now.judged(m, e)
		return next, changed, nil
	})
	if err != nil {
		return err
	}
	if unknown {
		return c.await(ctx, e, m.ID)
	}
	c.forget(e.ID)
	return nil
}

// await decides about a verdict on a comment that is not held here. The comment
// was on the stream before the verdict, so it comes as long as this group has not
// read as far as the stream went when the verdict was first met.
func (c *consumer) await(ctx context.Context, e bus.Entry, id string) error {
	c.mu.Lock()
	until, ok := c.awaited[e.ID]
	c.mu.Unlock()
	if !ok {
		var err error
		if until, err = c.store.bus.Last(ctx, stream); err != nil {
			return err
		}
		c.mu.Lock()
		c.awaited[e.ID] = until
		c.mu.Unlock()
	}
	passed, err := c.store.bus.Passed(ctx, stream, event.Comments, until)
	if err != nil {
		return err
	}
	if !passed {
		return bus.NotYet(fmt.Errorf("comment %s has not been read yet", id))
	}
	if c, _, err := c.store.load(ctx, id); err != nil || c.Version > 0 {
		return errors.Join(err, bus.NotYet(fmt.Errorf("comment %s has just come", id)))
	}
	c.forget(e.ID)
	return bus.Ignore(fmt.Errorf("a verdict on comment %s, which does not exist", id))
}

func (c *consumer) forget(verdict bus.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.awaited, verdict)
}

// A deleted post's comments are looked at in chunks; after a while of that the
// entry is put back and taken up again, so that it never runs out of time.
const (
	chunk   = 100
	stretch = 5 * time.Second
)

// dropPost deletes the comments of a post that was deleted. What is done is out
// of the index, so an interrupted run is taken up where it ended; and since no
// comment can be added any more, the run has an end.
func (c *consumer) dropPost(ctx context.Context, e bus.Entry, post string) error {
	if err := c.store.postDeleted(ctx, post); err != nil {
		return err
	}
	for start := time.Now(); time.Since(start) < stretch; {
		comments, more, err := c.store.of(ctx, post, web.Page{Limit: chunk})
		if err != nil || len(comments) == 0 && more.IsZero() {
			return err
		}
		for _, comment := range comments {
			if err := c.drop(ctx, e, post, comment.ID); err != nil {
				return err
			}
		}
	}
	return bus.NotYet(fmt.Errorf("post %s has more comments to delete", post))
}

// drop deletes a comment of a post that is gone, because of e.
func (c *consumer) drop(ctx context.Context, e bus.Entry, post, id string) error {
	_, err := c.store.change(ctx, id, event.TypeCommentDeleted, &e.Event, func(now Comment) (Comment, bool, error) {
		return now.deleted(), now.listed() && now.PostID == post, nil
	})
	return err
}
