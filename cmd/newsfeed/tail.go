package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
)

type tailOptions struct {
	redis     redisFlags
	fromStart bool
	types     []string
}

func newTail(environ map[string]string) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show the events of all streams as they happen, each comment's as a chain",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return tail(cmd, environ, o) },
	}
	f := cmd.Flags()
	o.redis.register(f)
	f.BoolVar(&o.fromStart, "from-start", false, "begin with the first event and not with the next")
	f.StringSliceVar(&o.types, "type", nil, "only events of these types, such as CommentModerated")
	return cmd
}

func tail(cmd *cobra.Command, environ map[string]string, o tailOptions) error {
	ctx, out, errOut := cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	b, closeBus, err := o.redis.open(ctx, environ)
	if err != nil {
		return err
	}
	defer closeBus()
	d := newDrawing(colourful(out, environ))
	t := &tailer{
		bus: b, drawing: d, types: o.types, out: out, errOut: errOut,
		order: &order{knows: func(id string) bool { _, ok := d.known[id]; return ok }},
	}
	return unlessStopped(ctx, explained(ctx, t.run(ctx, o.fromStart)))
}

// unlessStopped returns err, or nil if ctx has ended: that is how tail is ended.
func unlessStopped(ctx context.Context, err error) error {
	if _, broken := errors.AsType[brokenOffError](err); !broken && ctx.Err() != nil {
		return nil
	}
	return err
}

// tailer writes the events of all streams to out.
type tailer struct {
	bus         *bus.Bus
	order       *order
	drawing     *drawing
	types       []string // none means all
	out, errOut io.Writer

	toldAway bool
}

func (t *tailer) run(ctx context.Context, fromStart bool) error {
	from := map[string]bus.ID{}
	for _, stream := range streams() {
		err := t.insist(ctx, func() (err error) {
			from[stream], err = t.bus.Last(ctx, stream)
			return err
		})
		if err != nil {
			return err
		}
	}
	if fromStart {
		if err := t.history(ctx, from); err != nil {
			return err
		}
	}
	return t.follow(ctx, from)
}

// follow shows what comes after the ids in from, until ctx ends.
func (t *tailer) follow(ctx context.Context, from map[string]bus.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	type item struct {
		entry bus.Entry
		err   error
	}
	items := make(chan item)
	reader.Go(func() {
		for e, err := range t.bus.Follow(ctx, from) {
			select {
			case items <- item{e, err}:
			case <-ctx.Done():
				return
			}
		}
	})
	tick := time.NewTicker(holdFor / 2)
	defer tick.Stop()
	for {
		var ready []bus.Entry
		select {
		case <-ctx.Done():
			return t.show(t.order.rest())
		case <-tick.C:
			ready = t.order.due(time.Now())
		case it := <-items:
			if bus.Refused(it.err) {
				return it.err
			}
			if it.err != nil {
				t.away(it.err)
				continue
			}
			t.toldAway = false
			ready = t.order.take(it.entry, time.Now())
		}
		if err := t.show(ready); err != nil {
			return err
		}
	}
}

// insist calls ask until Redis has answered.
func (t *tailer) insist(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if !bus.Unavailable(err) || bus.Refused(err) {
			t.toldAway = false
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.away(err)
		if err := bus.WaitReady(ctx, t.bus.Redis(), slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
	}
}

// away says that Redis does not answer, once until the next event.
func (t *tailer) away(err error) {
	if !t.toldAway {
		fmt.Fprintln(t.errOut, "Redis does not answer; going on when it does:", err)
	}
	t.toldAway = true
}

func (t *tailer) show(entries []bus.Entry) error {
	for _, e := range entries {
		line := t.drawing.draw(e) // also what is left out may be a cause
		if len(t.types) > 0 && !slices.Contains(t.types, e.Event.Type) {
			continue
		}
		if _, err := io.WriteString(t.out, line); err != nil {
			return fmt.Errorf("tail: %w", err)
		}
	}
	return nil
}

// colourful reports whether out is a terminal whose user has nothing against
// colours (no-color.org).
func colourful(out io.Writer, environ map[string]string) bool {
	return environ["NO_COLOR"] == "" && isTerminal(out)
}
