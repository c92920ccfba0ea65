package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/services/eventbus"
)

func newDead(environ map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List, show, send back or drop the dead letters: what a group has given up",
		Long: `The dead letters are the entries that a group has given up: they could not be
read, or handling them failed again and again. Each belongs to that group alone.

Once the reason is mended, send them back with redrive: the group that failed
gets them again, and no other.`,
	}
	return withCommands(cmd, newDeadList(environ), newDeadShow(environ), newDeadRedrive(environ), newDeadDrop(environ))
}

// deadFilter chooses among the dead letters of all groups; "" is any.
type deadFilter struct{ group, typ string }

func (f *deadFilter) register(environ map[string]string, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.group, "group", "", "only those of this group")
	cmd.Flags().StringVar(&f.typ, "type", "", "only events of this type, such as CommentModerated")
	complete(environ, cmd, "group", eventbus.Groups)
	complete(environ, cmd, "type", types)
}

// each calls visit with every letter that is wanted, group by group, each
// group's oldest first, until it returns false.
func (f deadFilter) each(ctx context.Context, o *operator, visit func(bus.DeadLetter) bool) error {
	from, err := f.groups(ctx, o)
	if err != nil {
		return err
	}
	for _, group := range from {
		for letter, err := range o.bus.WalkDead(ctx, group, 0) {
			if err != nil {
				return err
			}
			if f.typ != "" && letter.Fields["type"] != f.typ {
				continue
			}
			if !visit(letter) {
				return nil
			}
		}
	}
	return nil
}

func (f deadFilter) groups(ctx context.Context, o *operator) ([]string, error) {
	if f.group != "" {
		return []string{f.group}, o.wantGroup(ctx, f.group, eventbus.Groups)
	}
	return eventbus.Groups(ctx, o.bus)
}

// deadLetter is a dead letter as programs are told of it.
type deadLetter struct {
	ID       string            `json:"id"`
	Group    string            `json:"group"`
	Stream   string            `json:"stream"`
	Entry    string            `json:"entry"`
	Type     string            `json:"type"`
	Event    string            `json:"event,omitempty"`
	Error    string            `json:"error"`
	Attempts int               `json:"attempts"`
	Time     time.Time         `json:"time"`
	Fields   map[string]string `json:"fields"`
}

func deadLetterOf(l bus.DeadLetter) deadLetter {
	return deadLetter{
		ID: l.String(), Group: l.Group, Stream: l.Stream, Entry: l.Entry.String(), Type: l.Fields["type"],
		Event: l.Fields["id"], Error: l.Error, Attempts: l.Attempts, Time: l.Time, Fields: l.Fields,
	}
}

func newDeadList(environ map[string]string) *cobra.Command {
	var f deadFilter
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the dead letters of all groups",
		Args:  cobra.NoArgs,
	}
	f.register(environ, cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most; 0 is all")
	return operatorCommand(environ, cmd, func(ctx context.Context, o *operator, _ []string) error {
		if limit < 0 {
			return usageError{fmt.Errorf("--limit = %d is less than 0", limit)}
		}
		letters, more := []deadLetter{}, false
		err := f.each(ctx, o, func(l bus.DeadLetter) bool {
			more = limit > 0 && len(letters) == limit
			if !more {
				letters = append(letters, deadLetterOf(l))
			}
			return !more
		})
		if err != nil {
			return err
		}
		if o.json {
			return o.writeJSON(letters)
		}
		return writeDeadList(o, letters, more)
	})
}

func writeDeadList(o *operator, letters []deadLetter, more bool) error {
	if len(letters) == 0 {
		_, err := io.WriteString(o.out, "There are no dead letters.\n")
		return err
	}
	width := 10_000
	if isTerminal(o.out) {
		width = 80
	}
	t := newGrid(o.paint, "ID", "TYPE", "ATTEMPTS", "SINCE", "ERROR")
	for _, l := range letters {
		t.add(plain(visible(l.ID, 130)), plain(visible(l.Type, 30)), plain(fmt.Sprint(l.Attempts)),
			plain(ago(time.Since(l.Time))), cell{visible(l.Error, width), colourRed})
	}
	if err := t.write(o.out); err != nil {
		return err
	}
	if more {
		fmt.Fprintln(o.out, "… and more (--limit)")
	}
	return nil
}

func newDeadShow(environ map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show ID",
		Short:             "Show a dead letter: the whole entry, and why it was given up",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completion(environ, someDead),
	}
	return operatorCommand(environ, cmd, func(ctx context.Context, o *operator, args []string) error {
		ids, err := parseDeadIDs(args)
		if err != nil {
			return err
		}
		letter, err := o.bus.DeadLetter(ctx, ids[0])
		if err != nil {
			return noLetter(ids[0], err)
		}
		if o.json {
			return o.writeJSON(deadLetterOf(letter))
		}
		return writeDeadLetter(o, letter)
	})
}

func writeDeadLetter(o *operator, l bus.DeadLetter) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", o.paint.in(colourBold, visible(l.String(), 200)))
	fmt.Fprintf(&b, "  %-12s %s\n", "given up", l.Time.Format(time.RFC3339Nano))
	fmt.Fprintf(&b, "  %-12s %d\n", "attempts", l.Attempts)
	fmt.Fprintf(&b, "  %-12s %s\n", "error", o.paint.in(colourRed, visible(l.Error, 2000)))
	fmt.Fprintf(&b, "\n%s\n", o.paint.in(colourBold, "ENTRY"))
	for _, name := range l.FieldNames() {
		fmt.Fprintf(&b, "  %-14s %s\n", visible(name, 40), visible(l.Fields[name], 10_000))
	}
	_, err := io.WriteString(o.out, b.String())
	return err
}

// someDead returns the ids of the first dead letters of each group.
func someDead(ctx context.Context, b *bus.Bus) ([]string, error) {
	from, err := eventbus.Groups(ctx, b)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, group := range from {
		letters, err := b.Dead(ctx, bus.DeadQuery{Group: group, Limit: 20})
		if err != nil {
			return nil, err
		}
		for _, l := range letters {
			ids = append(ids, l.String())
		}
	}
	return slices.Compact(ids), nil
}
