package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

type inspectOptions struct {
	scan  int
	limit int
}

func newInspect(environ map[string]string) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect EVENT",
		Short: "Show an event, what led to it, what it led to, and what each group did with it",
		Long: `Show an event, what led to it, what it led to, and what each group did with it.

EVENT is the event's id, or a place such as "{posts}:events/1699999999999-0".
The ids that the services make tell when they were made, so that such an event
is found at once; others are looked for from the end of each stream, --scan
entries far. Effects are looked for as far from the event on; the output says
where there was more to look through.

The id of a post or a comment is no event's: then the events that tell of it are
listed, to be inspected one by one.`,
		Args: cobra.ExactArgs(1),
	}
	f := cmd.Flags()
	f.IntVar(&o.scan, "scan", 100_000, "how many entries of each stream are looked through at most")
	f.IntVar(&o.limit, "limit", 50, "how many effects are shown at most")
	return operatorCommand(environ, cmd, func(ctx context.Context, op *operator, args []string) error {
		if o.scan < 1 || o.limit < 0 {
			return usageError{errors.New("--scan and --limit cannot be that low")}
		}
		return inspect(ctx, op, args[0], o)
	})
}

func inspect(ctx context.Context, op *operator, id string, o inspectOptions) error {
	if err := checkPlace(id); err != nil {
		return err
	}
	p := newProgress(op.errOut, "entries looked through")
	search := bus.Search{Streams: streams(), Most: o.scan, Progress: p.at}
	e, err := op.bus.Find(ctx, id, search)
	if err != nil {
		p.end()
		if missing, ok := errors.AsType[*bus.NotFoundError](err); ok && len(missing.About) > 0 {
			return writeAbout(op, missing)
		}
		return err
	}
	chain, err := op.bus.Chain(ctx, e, search)
	p.end()
	if err != nil {
		return err
	}
	i := inspection{op: op, left: o.limit}
	found, err := i.chain(ctx, chain)
	if err != nil {
		return err
	}
	if op.json {
		return op.writeJSON(found)
	}
	return writeInspection(op, found)
}

// inspected is an event as programs are told of it: the envelope, its place, and
// what each group did with it.
type inspected struct {
	Stream  string       `json:"stream"`
	Entry   string       `json:"entry"`
	Event   event.Event  `json:"event"`
	Groups  []groupDid   `json:"groups"`
	Effects []*inspected `json:"effects,omitempty"`
	entry   bus.Entry    // for drawing
	asked   bool         // is the one that was asked for
}

// groupDid is what a group did with an entry.
type groupDid struct {
	Group string    `json:"group"`
	State bus.State `json:"state"`
	// Consumer has the entry, as far as it is pending.
	Consumer  string `json:"consumer,omitempty"`
	Delivered int64  `json:"delivered,omitempty"`
	IdleMs    int64  `json:"idleMs,omitempty"`
	// Error is why a dead letter was given up, after so many attempts, and Died
	// when that was.
	Error    string    `json:"error,omitempty"`
	Attempts int       `json:"attempts,omitempty"`
	Died     time.Time `json:"died,omitzero"`
}

// inspectedChain is all that inspect tells.
type inspectedChain struct {
	inspected
	Causes []*inspected `json:"causes"`
	// Missing is the id of a cause that was not found.
	Missing string `json:"missing,omitempty"`
	// Hidden is how many effects are left out, and Cut in which streams there may
	// be more that were not looked for.
	Hidden int      `json:"hidden,omitempty"`
	Cut    []string `json:"cut,omitempty"`
}

// inspection asks what the groups did with the events of a chain.
type inspection struct {
	op     *operator
	left   int // effects that may be shown
	hidden int
}

func (i *inspection) chain(ctx context.Context, c bus.Chain) (*inspectedChain, error) {
	found := &inspectedChain{Causes: []*inspected{}, Missing: c.Missing, Cut: c.Cut}
	for _, cause := range c.Causes {
		one, err := i.event(ctx, cause)
		if err != nil {
			return nil, err
		}
		found.Causes = append(found.Causes, one)
	}
	one, err := i.link(ctx, c.Event)
	if err != nil {
		return nil, err
	}
	found.inspected, found.asked, found.Hidden = *one, true, i.hidden
	return found, nil
}

// link inspects an event and its effects, as many as may be shown.
func (i *inspection) link(ctx context.Context, l *bus.Link) (*inspected, error) {
	one, err := i.event(ctx, l.Entry)
	if err != nil {
		return nil, err
	}
	for _, effect := range l.Effects {
		if i.left == 0 {
			i.hidden += count(effect)
			continue
		}
		i.left--
		below, err := i.link(ctx, effect)
		if err != nil {
			return nil, err
		}
		one.Effects = append(one.Effects, below)
	}
	return one, nil
}

// count returns how many events hang at l, itself included.
func count(l *bus.Link) int {
	n := 1
	for _, effect := range l.Effects {
		n += count(effect)
	}
	return n
}

func (i *inspection) event(ctx context.Context, e bus.Entry) (*inspected, error) {
	states, err := i.op.bus.EntryStates(ctx, e.Stream, e.ID)
	if err != nil {
		return nil, err
	}
	one := &inspected{Stream: e.Stream, Entry: e.ID.String(), Event: e.Event, Groups: []groupDid{}, entry: e}
	if !json.Valid(e.Event.Data) {
		one.Event.Data, _ = json.Marshal(string(e.Event.Data)) // of a string, never fails
	}
	for _, s := range states {
		did := groupDid{
			Group: s.Group, State: s.State, Consumer: s.Consumer, Delivered: s.Deliveries, IdleMs: s.Idle.Milliseconds(),
		}
		if s.Letter != nil {
			did.Error, did.Attempts, did.Died = s.Letter.Error, s.Letter.Attempts, s.Letter.Time
		}
		one.Groups = append(one.Groups, did)
	}
	return one, nil
}

// hints says what was left out of a chain, and how to see it.
func (c *inspectedChain) hints(p paint) string {
	var b strings.Builder
	if c.Missing != "" {
		fmt.Fprintln(&b, p.in(colourYellow, "Its cause "+visible(c.Missing, 130)+" was not found: what stands first here is not the beginning."))
	}
	if c.Hidden > 0 {
		fmt.Fprintf(&b, "… and %s more effects (--limit)\n", thousands(int64(c.Hidden)))
	}
	if len(c.Cut) > 0 {
		fmt.Fprintln(&b, p.in(colourYellow, "There may be more effects: not all of "+strings.Join(c.Cut, ", ")+" was looked through (--scan)."))
	}
	return b.String()
}
