package moderator

import (
	"context"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// consumer judges what comes.
type consumer struct {
	store *store
	rules *RulesFile
}

func (c *consumer) handle(ctx context.Context, e bus.Entry) error {
	payload, err := e.Event.Decode()
	if err != nil {
		return err
	}
	if e.Event.Type != event.TypeCommentCreated && e.Event.Type != event.TypeCommentEdited {
		return nil // no new text
	}
	comment, ok := payload.(event.Comment)
	if !ok {
		return nil
	}
	approved := 0
	if comment.AuthorKey != nil && *comment.AuthorKey != "" {
		if approved, err = c.store.approved(ctx, *comment.AuthorKey); err != nil {
			return err
		}
	}
	return c.store.change(ctx, comment.ID, *comment.Content, e.Event, func(last decision) (decision, bool) {
		return decide(last, c.rules.Current(), comment, e, approved, time.Now())
	})
}
