package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const postStream = "{posts}:events"

// newPost returns the change that creates a post, as the posts service makes it.
func newPost(round string) func(writer, n int) (bus.Change, error) {
	return func(writer, n int) (bus.Change, error) {
		id := fmt.Sprintf("%s-%d-%d", round, writer, n)
		now := time.Now()
		e, err := event.New(event.Posts, event.TypePostCreated, event.Post{
			ID: id, Title: new("a title of a usual length"), Body: new("a body that says something, and then some more of it"),
			Author: new("somebody"), CreatedAt: &now, Version: new(int64(1)),
		}, now)
		return bus.Change{
			Key: "{posts}:doc:" + id, Doc: e.Data, Stream: postStream, Event: e,
			Index: []bus.Index{{Verb: bus.ZAdd, Key: "{posts}:ids", Member: bus.TimeKey(now, id)}},
		}, err
	}
}

// measureCommit compares Bus.Commit, which writes a document, an index and an
// event, with plain calls of the same script and with bare pipelines of them.
func measureCommit(ctx context.Context, s *stage) ([]*row, error) {
	var rows []*row
	for _, fsync := range []string{always, everysec} {
		r, err := commitUnder(ctx, s, fsync)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r...)
	}
	return rows, nil
}

func commitUnder(ctx context.Context, s *stage, fsync string) ([]*row, error) {
	const each = 600
	db, err := s.redis(ctx, fsync)
	if err != nil {
		return nil, err
	}
	script, err := s.commitScript()
	if err != nil {
		return nil, err
	}
	b := bus.New(ctx, db, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	speed := &row{
		Key: "commit-" + fsync, What: "commit, 64 goroutines, " + fsync, Unit: "commits/s", Bounds: []bound{least(0.8, pipelines)},
	}
	tail := &row{
		Key: "commit-p99-" + fsync, What: "commit, 64 goroutines, p99, " + fsync, Unit: "ms", Less: true, Bounds: []bound{most(0.25, plainCalls)},
	}
	turns := 0 // so that no id comes twice
	committing := func(name string, write func(ctx context.Context, w *work) ([]float64, error)) contestant {
		return contestant{name, func(ctx context.Context, _ int) ([]float64, error) {
			turns++
			w, err := prepare(each, newPost(fmt.Sprintf("post%d", turns)))
			if err != nil {
				return nil, err
			}
			return grown(ctx, db.Client, postStream, w.len(), func() ([]float64, error) { return write(ctx, w) })
		}}
	}
	rows := []*row{speed, tail}
	return rows, s.rounds(ctx, rows,
		committing(newsfeed, func(ctx context.Context, w *work) ([]float64, error) {
			return side(ctx, w, func(ctx context.Context, c bus.Change) error {
				_, err := b.Commit(ctx, c)
				return err
			})
		}),
		committing(pipelines, func(ctx context.Context, w *work) ([]float64, error) { return piped(ctx, db.Client, script, w) }),
		committing(plainCalls, func(ctx context.Context, w *work) ([]float64, error) {
			return side(ctx, w, func(ctx context.Context, c bus.Change) error { return call(ctx, db.Client, script, c) })
		}),
	)
}
