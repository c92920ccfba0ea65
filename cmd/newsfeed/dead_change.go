package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
)

// deadChange is what redrive and drop have in common: they do something with
// some letters or with all that are wanted.
type deadChange struct {
	filter deadFilter
	all    bool
	dryRun bool

	done   string // "sent back"
	change func(ctx context.Context, b *bus.Bus, id bus.DeadID) error
}

func newDeadRedrive(environ map[string]string) *cobra.Command {
	return newDeadChange(environ, &cobra.Command{
		Use:   "redrive [ID…]",
		Short: "Send dead letters back to the group that failed, and to no other",
		Long: `Send dead letters back to the group that failed, and to no other: those that are
named, or with --all every one that there is at this moment. What fails again
becomes a dead letter again.`,
	}, &deadChange{done: "sent back", change: func(ctx context.Context, b *bus.Bus, id bus.DeadID) error { return b.Redrive(ctx, id) }})
}

func newDeadDrop(environ map[string]string) *cobra.Command {
	return newDeadChange(environ, &cobra.Command{
		Use:   "drop [ID…]",
		Short: "Forget dead letters for good",
		Long: `Forget dead letters for good: those that are named, or with --all every one that
there is at this moment. The entries stay on their streams; the group that gave
them up never handles them.`,
	}, &deadChange{done: "dropped", change: func(ctx context.Context, b *bus.Bus, id bus.DeadID) error { return b.Drop(ctx, id) }})
}

func newDeadChange(environ map[string]string, cmd *cobra.Command, c *deadChange) *cobra.Command {
	cmd.ValidArgsFunction = completion(environ, someDead)
	c.filter.register(environ, cmd)
	cmd.Flags().BoolVar(&c.all, "all", false, "all of them, or all that --group and --type choose")
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "only show which")
	return operatorCommand(environ, cmd, c.run)
}

func (c *deadChange) run(ctx context.Context, o *operator, args []string) error {
	switch {
	case c.all && len(args) > 0:
		return usageError{errors.New("name letters, or say --all, not both")}
	case !c.all && len(args) == 0:
		return usageError{errors.New("name the letters, or say --all; dead list shows them")}
	case !c.all && c.filter != deadFilter{}:
		return usageError{errors.New("--group and --type go with --all")}
	}
	ids, err := parseDeadIDs(args)
	if err != nil {
		return err
	}
	if c.all {
		// Those of now: what is sent back and fails again is not met twice.
		err := c.filter.each(ctx, o, func(l bus.DeadLetter) bool {
			ids = append(ids, l.DeadID)
			return true
		})
		if err != nil {
			return err
		}
	}
	changed, err := c.each(ctx, o, ids)
	if err != nil && len(changed) == 0 {
		return err
	}
	return errors.Join(c.report(o, changed), err)
}

// each changes the letters one by one, and returns those that were. One that
// has gone meanwhile is an error only if it was named.
func (c *deadChange) each(ctx context.Context, o *operator, ids []bus.DeadID) ([]bus.DeadID, error) {
	change := c.change
	if c.dryRun {
		change = func(ctx context.Context, b *bus.Bus, id bus.DeadID) error {
			_, err := b.DeadLetter(ctx, id)
			return err
		}
	}
	p := newProgress(o.errOut, c.done)
	defer p.end()
	changed := make([]bus.DeadID, 0, len(ids))
	for i, id := range ids {
		err := change(ctx, o.bus, id)
		switch {
		case err == nil:
			changed = append(changed, id)
		case !c.all || !errors.Is(err, bus.ErrNotFound):
			return changed, noLetter(id, err)
		}
		p.at(i+1, len(ids))
	}
	return changed, nil
}

// report says what was done, or would be.
func (c *deadChange) report(o *operator, changed []bus.DeadID) error {
	texts, byGroup := make([]string, len(changed)), map[string]int{}
	for i, id := range changed {
		texts[i] = id.String()
		byGroup[id.Group]++
	}
	if o.json {
		return o.writeJSON(struct {
			DryRun bool           `json:"dryRun"`
			Count  int            `json:"count"`
			Groups map[string]int `json:"groups"`
			IDs    []string       `json:"ids"`
		}{c.dryRun, len(changed), byGroup, texts})
	}
	var b strings.Builder
	if c.dryRun || !c.all {
		for _, text := range texts {
			fmt.Fprintln(&b, visible(text, 200))
		}
	}
	would := ""
	if c.dryRun {
		would = "would be "
	}
	fmt.Fprintf(&b, "%s %s%s", letters(len(changed)), would, c.done)
	if len(byGroup) > 1 {
		var parts []string
		for _, group := range slices.Sorted(maps.Keys(byGroup)) {
			parts = append(parts, fmt.Sprintf("%s %s", visible(group, 40), thousands(int64(byGroup[group]))))
		}
		fmt.Fprintf(&b, ": %s", strings.Join(parts, ", "))
	}
	b.WriteString(".\n")
	_, err := io.WriteString(o.out, b.String())
	return err
}

func letters(n int) string {
	if n == 1 {
		return "1 dead letter"
	}
	return thousands(int64(n)) + " dead letters"
}

func parseDeadIDs(args []string) ([]bus.DeadID, error) {
	var ids []bus.DeadID
	for _, arg := range args {
		id, err := bus.ParseDeadID(arg)
		if err != nil {
			return nil, usageError{err}
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// noLetter says that there is no such letter in words for people.
func noLetter(id bus.DeadID, err error) error {
	if errors.Is(err, bus.ErrNotFound) {
		return fmt.Errorf("there is no dead letter %s", visible(id.String(), 200))
	}
	return err
}
