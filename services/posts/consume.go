package posts

import (
	"context"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// handle adopts what others wrote to the service's stream as if it had been
// accepted here, without a second event. Its own entries are done already: they
// were written together with the post.
func (s *store) handle(ctx context.Context, e bus.Entry) error {
	payload, err := e.Decode()
	if err != nil || !e.Event.Foreign() {
		return err
	}
	switch p := payload.(type) {
	case event.Post:
		return s.adopt(ctx, e, p.ID, payload)
	case event.PostDeleted:
		return s.adopt(ctx, e, p.ID, payload)
	}
	return nil
}
