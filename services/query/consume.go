package query

import (
	"context"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// handle folds an event into the view.
func (s *store) handle(ctx context.Context, e bus.Entry) error {
	payload, err := e.Event.Decode()
	if err != nil {
		return err
	}
	switch in := payload.(type) {
	case event.Post:
		return s.foldPost(ctx, in.ID, func(p post) post { return applyPost(p, e, payload) })
	case event.PostDeleted:
		return s.foldPost(ctx, in.ID, func(p post) post { return applyPost(p, e, payload) })
	case event.Comment:
		return s.foldComment(ctx, in.PostID, in.ID, func(c comment) comment { return applyComment(c, e, payload) })
	case event.CommentDeleted:
		return s.foldComment(ctx, in.PostID, in.ID, func(c comment) comment { return applyComment(c, e, payload) })
	}
	return nil // a verdict that strayed here says nothing until its owner has applied it
}
