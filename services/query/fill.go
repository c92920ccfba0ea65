package query

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	// A window of history is folded in memory first, so that what is told of one
	// post or comment within it costs one write.
	windowEntries = 4_096
	windowBytes   = 16 << 20
	// fillers is how many writes are under way: so many that they fill the calls
	// that the bus makes of them, and no more than the bus lets wait.
	fillers = 256
)

// window holds the events of a part of history, by what they are about.
type window struct {
	about   []subject
	events  map[subject][]told
	entries int
	bytes   int
}

func newWindow() *window { return &window{events: map[subject][]told{}} }

func (w *window) add(events []told) {
	w.entries += len(events)
	for _, t := range events {
		about := t.about()
		if about == (subject{}) {
			continue
		}
		if w.events[about] == nil {
			w.about = append(w.about, about)
		}
		w.events[about] = append(w.events[about], t)
		w.bytes += len(t.entry.Event.Data)
	}
}

func (w *window) full() bool { return w.entries >= windowEntries || w.bytes >= windowBytes }

// fill folds all that stands in the streams up to the given ids into a
// generation. done is told of every entry that is finished with; while a window
// is written, the next is read.
func (s *store) fill(ctx context.Context, v view, upTo positions, done func(entries int)) error {
	g, ctx := errgroup.WithContext(ctx)
	windows := make(chan *window)
	g.Go(func() error {
		defer close(windows)
		pass := func(w *window) error {
			select {
			case windows <- w:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		w := newWindow()
		err := s.history(ctx, nil, upTo, func(events []told) error {
			if w.add(events); !w.full() {
				return nil
			}
			full := w
			w = newWindow()
			return pass(full)
		})
		if err != nil {
			return err
		}
		return pass(w)
	})
	g.Go(func() error {
		for w := range windows {
			if err := s.write(ctx, v, w); err != nil {
				return err
			}
			done(w.entries)
		}
		return nil
	})
	return g.Wait()
}

// write folds a window into a generation.
func (s *store) write(ctx context.Context, v view, w *window) error {
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(fillers, len(w.about)) {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(w.about) {
					return nil
				}
				about := w.about[i]
				err := insist(ctx, func() error { return s.foldInto(ctx, v, about, w.events[about]...) })
				if err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}
