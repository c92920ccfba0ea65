package query

import (
	"context"

	"newsfeed/internal/bus"
)

// handle folds an event into every generation of the view.
func (s *store) handle(ctx context.Context, e bus.Entry) error {
	payload, err := e.Decode()
	if err != nil {
		return err
	}
	t := told{e, payload}
	about := t.about()
	if about == (subject{}) {
		return nil // a verdict says nothing here until the comment's owner has applied it
	}
	return s.everywhere(ctx, func(v view) error { return s.foldInto(ctx, v, about, t) })
}

// foldInto folds events about one post or comment into a generation, in one write.
func (s *store) foldInto(ctx context.Context, v view, about subject, events ...told) error {
	if about.comment == "" {
		return s.foldPost(ctx, v, about.post, func(p post) post {
			for _, t := range events {
				p = applyPost(p, t.entry, t.payload)
			}
			return p
		})
	}
	return s.foldComment(ctx, v, about.post, about.comment, func(c comment) comment {
		for _, t := range events {
			c = applyComment(c, t.entry, t.payload)
		}
		return c
	})
}
