package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

type tailOptions struct {
	redis     redisFlags
	fromStart bool
	types     []string
	json      bool
}

func newTail(environ map[string]string) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show the events of all streams as they happen, each comment's as a chain",
		Long: `Show the events of all streams as they happen, each comment's as a chain. Redis
may go away and come back meanwhile.

With --json each event is a line: where it stands, and its envelope.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return tail(cmd, environ, o) },
	}
	f := cmd.Flags()
	o.redis.register(f)
	f.BoolVar(&o.fromStart, "from-start", false, "begin with the first event and not with the next")
	f.StringSliceVar(&o.types, "type", nil, "only events of these types, such as CommentModerated")
	f.BoolVar(&o.json, "json", false, "write a line of JSON for each event, for programs")
	if err := cmd.RegisterFlagCompletionFunc("type", fixed(event.Types())); err != nil {
		panic(err) // the flag is not there, or twice
	}
	return cmd
}

func tail(cmd *cobra.Command, environ map[string]string, o tailOptions) error {
	ctx, out, errOut := cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	b, closeBus, err := o.redis.open(ctx, environ)
	if err != nil {
		return err
	}
	defer closeBus()
	for _, typ := range o.types {
		if !slices.Contains(event.Types(), typ) {
			fmt.Fprintf(errOut, "%s is no type of the newsfeed's own, which are %s; waiting for it all the same\n",
				visible(typ, 60), strings.Join(event.Types(), ", "))
		}
	}
	d := newDrawing(colourful(out, environ))
	t := &tailer{
		bus: b, drawing: d, types: o.types, json: o.json, out: out, errOut: errOut,
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
	json        bool
	out, errOut io.Writer

	gone outage
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
				t.gone.tell(t.errOut, it.err)
				continue
			}
			t.gone.over()
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
			t.gone.over()
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.gone.tell(t.errOut, err)
		if err := bus.WaitReady(ctx, t.bus.Redis(), slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
	}
}

// outage is a time in which Redis does not answer.
type outage struct{ told bool }

// tell says so, once until it is over.
func (o *outage) tell(w io.Writer, err error) {
	if !o.told {
		fmt.Fprintln(w, "Redis does not answer; going on when it does:", err)
	}
	o.told = true
}

func (o *outage) over() { o.told = false }

func (t *tailer) show(entries []bus.Entry) error {
	for _, e := range entries {
		line := t.drawing.draw(e) // also what is left out may be a cause
		if len(t.types) > 0 && !slices.Contains(t.types, e.Event.Type) {
			continue
		}
		if t.json {
			data, err := json.Marshal(placedOf(e))
			if err != nil {
				return fmt.Errorf("tail: %w", err)
			}
			line = string(data) + "\n"
		}
		if _, err := io.WriteString(t.out, line); err != nil {
			return fmt.Errorf("tail: %w", err)
		}
	}
	return nil
}

// placed is an event as programs are told of it: where it stands, and its envelope.
type placed struct {
	Stream string      `json:"stream"`
	Entry  string      `json:"entry"`
	Event  event.Event `json:"event"`
}

// placedOf makes a text of data that are no JSON.
func placedOf(e bus.Entry) placed {
	p := placed{Stream: e.Stream, Entry: e.ID.String(), Event: e.Event}
	if !json.Valid(e.Event.Data) {
		p.Event.Data, _ = json.Marshal(string(e.Event.Data)) // of a string, never fails
	}
	return p
}

// colourful reports whether out is a terminal whose user has nothing against
// colours (no-color.org).
func colourful(out io.Writer, environ map[string]string) bool {
	return environ["NO_COLOR"] == "" && isTerminal(out)
}
