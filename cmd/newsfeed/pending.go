package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/services/eventbus"
)

type pendingOptions struct {
	group, stream string
	limit         int
}

func newPending(environ map[string]string) *cobra.Command {
	var o pendingOptions
	cmd := &cobra.Command{
		Use:   "pending",
		Short: "Show the entries that were given to a consumer and are not finished",
		Long: `Show the entries that were given to a consumer and are not finished, the oldest
of each group and stream first. DELIVERED counts how often an entry was given
out: a consumer that tries one again in its own process does not raise it.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&o.group, "group", "", "only this group")
	f.StringVar(&o.stream, "stream", "", "only this stream")
	f.IntVar(&o.limit, "limit", 20, "how many of each group and stream")
	cmd = operatorCommand(environ, cmd, func(ctx context.Context, op *operator, _ []string) error {
		if o.limit < 1 {
			return usageError{fmt.Errorf("--limit = %d is less than 1", o.limit)}
		}
		return showPending(ctx, op, o)
	})
	completeStreams(environ, cmd)
	return cmd
}

// pendingState is a pending entry as programs are told of it.
type pendingState struct {
	Group  string `json:"group"`
	Stream string `json:"stream"`
	Entry  string `json:"entry"`
	Event  string `json:"event,omitempty"`
	Type   string `json:"type,omitempty"`
	// Lost says that the stream no longer has the entry.
	Lost      bool   `json:"lost,omitempty"`
	Consumer  string `json:"consumer"`
	Alive     bool   `json:"alive"`
	Delivered int64  `json:"delivered"`
	IdleMs    int64  `json:"idleMs"` // since it was given out last
}

func showPending(ctx context.Context, op *operator, o pendingOptions) error {
	states, err := op.states(ctx, o.group, o.stream)
	if err != nil {
		return err
	}
	all, more := []pendingState{}, ""
	for _, s := range states {
		for _, g := range s.Groups {
			if g.Pending == 0 {
				continue
			}
			entries, err := op.bus.Pending(ctx, bus.PendingQuery{Stream: s.Name, Group: g.Name, Limit: o.limit})
			if err != nil {
				return err
			}
			for _, e := range entries {
				all = append(all, pendingStateOf(g, e))
			}
			if rest := g.Pending - int64(len(entries)); rest > 0 && len(entries) == o.limit {
				more += fmt.Sprintf("… and %s more of %s on %s (--limit)\n", thousands(rest), visible(g.Name, 40), s.Name)
			}
		}
	}
	if op.json {
		return op.writeJSON(all)
	}
	if len(all) == 0 {
		_, err := io.WriteString(op.out, "Nothing is pending.\n")
		return err
	}
	if err := pendingTable(op.paint, all).write(op.out); err != nil {
		return err
	}
	_, err = io.WriteString(op.out, more)
	return err
}

func pendingStateOf(g eventbus.GroupState, e bus.PendingEntry) pendingState {
	s := pendingState{
		Group: g.Name, Stream: e.Stream, Entry: e.ID.String(), Event: e.Event.ID, Type: e.Event.Type, Lost: e.Lost,
		Consumer: e.Consumer, Delivered: e.Deliveries, IdleMs: e.Idle.Milliseconds(),
	}
	for _, c := range g.Consumers {
		s.Alive = s.Alive || c.Name == e.Consumer && c.Alive
	}
	return s
}

func pendingTable(p paint, all []pendingState) *grid {
	t := newGrid(p, "GROUP", "STREAM", "ENTRY", "TYPE", "CONSUMER", "DELIVERED", "SINCE", "EVENT")
	for _, s := range all {
		typ, id, consumer := plain(visible(s.Type, 30)), plain(visible(s.Event, 130)), plain(visible(s.Consumer, 64))
		if s.Lost {
			typ, id = cell{"lost: trimmed", colourRed}, plain("-")
		}
		if !s.Alive {
			consumer = cell{consumer.text + " (gone)", colourRed}
		}
		if strings.HasPrefix(s.Event, s.Stream+"/") {
			id = cell{"(written without an id)", colourGrey}
		}
		t.add(plain(visible(s.Group, 40)), plain(s.Stream), plain(s.Entry), typ, consumer,
			plain(thousands(s.Delivered)), plain(ago(time.Duration(s.IdleMs)*time.Millisecond)), id)
	}
	return t
}
