package posts

import (
	"context"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// handle deletes the posts that a moderator took down, and adopts what others wrote
// to the service's stream as if it had been accepted here, without a second event.
// Its own entries are done already: they were written together with the post.
func (s *store) handle(ctx context.Context, e bus.Entry) error {
	payload, err := e.Decode()
	if err != nil {
		return err
	}
	if in, ok := payload.(event.PostTakenDown); ok {
		return s.takeDown(ctx, e.Event, in)
	}
	if !e.Event.Foreign() {
		return nil
	}
	switch p := payload.(type) {
	case event.Post:
		return s.adopt(ctx, e, p.ID, payload)
	case event.PostDeleted:
		return s.adopt(ctx, e, p.ID, payload)
	}
	return nil
}
