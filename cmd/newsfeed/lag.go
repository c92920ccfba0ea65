package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/services/eventbus"
)

type lagOptions struct {
	group, stream string
	watch         bool
	every         time.Duration
	most          int64
}

func newLag(environ map[string]string) *cobra.Command {
	var o lagOptions
	cmd := &cobra.Command{
		Use:   "lag",
		Short: "Show how far each group is behind",
		Long: `Show how far each group is behind on each stream: LAG is what it has not been
given yet, PENDING what it was given and has not finished, OLDEST the age of the
oldest of those. DEAD counts the dead letters of all its streams. Subscribers of
the event bus are shown too; of them it is only known whether they are behind.

With --max, the exit code is 3 if any consumer group has more entries before it
than that, LAG and PENDING together, or if Redis cannot tell.`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&o.group, "group", "", "only this group")
	f.StringVar(&o.stream, "stream", "", "only this stream")
	f.BoolVarP(&o.watch, "watch", "w", false, "show it again and again, with how many entries a second are finished")
	f.DurationVar(&o.every, "every", 2*time.Second, "how often, with --watch")
	f.Int64Var(&o.most, "max", -1, "how much a group may be behind")
	cmd = operatorCommand(environ, cmd, func(ctx context.Context, op *operator, _ []string) error {
		if o.every < 100*time.Millisecond {
			return usageError{fmt.Errorf("--every = %s is less than 100ms", o.every)}
		}
		if o.watch && o.most >= 0 {
			return usageError{fmt.Errorf("--max is for one look, not for --watch")}
		}
		return lag(ctx, op, o)
	})
	completeStreams(environ, cmd)
	return cmd
}

// behind is one line of lag.
type behind struct {
	Stream string `json:"stream"`
	eventbus.GroupState
	// Rate is how many entries a second were finished since the look before;
	// null without one, or if Redis cannot tell.
	Rate *float64 `json:"rate,omitempty"`

	finished int64 // since the stream began, give or take a constant
	known    bool  // whether finished is
}

func lag(ctx context.Context, op *operator, o lagOptions) error {
	if !o.watch {
		lines, err := look(ctx, op, o)
		if err != nil {
			return err
		}
		if op.json {
			err = op.writeJSON(lines)
		} else {
			err = lagTable(op.paint, lines, false).write(op.out)
		}
		if err != nil {
			return err
		}
		return tooFar(lines, o.most)
	}
	var before []behind
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	for last := time.Now(); ; {
		lines, err := look(ctx, op, o)
		if err != nil {
			return err
		}
		now := time.Now()
		rate(lines, before, now.Sub(last))
		if err := showAgain(op, lines, now); err != nil {
			return err
		}
		before, last = lines, now
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// showAgain writes one look of many: over the last one on a terminal, one JSON
// document a line for programs.
func showAgain(op *operator, lines []behind, now time.Time) error {
	if op.json {
		return json.NewEncoder(op.out).Encode(lines)
	}
	var b strings.Builder
	if isTerminal(op.out) {
		b.WriteString("\x1b[H\x1b[2J")
	}
	fmt.Fprintln(&b, op.paint.in(colourGrey, now.Format(time.TimeOnly)))
	if err := lagTable(op.paint, lines, true).write(&b); err != nil {
		return err
	}
	_, err := io.WriteString(op.out, b.String())
	return err
}

func look(ctx context.Context, op *operator, o lagOptions) ([]behind, error) {
	states, err := op.states(ctx, o.group, o.stream)
	if err != nil {
		return nil, err
	}
	lines := []behind{}
	for _, s := range states {
		for _, g := range s.Groups {
			b := behind{Stream: s.Name, GroupState: g, known: g.Lag != nil && g.URL == ""}
			if b.known {
				b.finished = s.Length - *g.Lag - g.Pending
			}
			lines = append(lines, b)
		}
	}
	return lines, nil
}

// rate notes what was finished since the look before.
func rate(lines, before []behind, took time.Duration) {
	for i := range lines {
		for _, b := range before {
			if l := &lines[i]; b.Stream == l.Stream && b.Name == l.Name && b.known && l.known {
				perSecond := max(0, float64(l.finished-b.finished)/took.Seconds())
				l.Rate = &perSecond
			}
		}
	}
}

func lagTable(p paint, lines []behind, rates bool) *grid {
	head := []string{"STREAM", "GROUP", "LAG", "PENDING", "OLDEST", "DEAD", "ALIVE"}
	if rates {
		head = append(head, "DONE/S")
	}
	t := newGrid(p, append(head, "STATE")...)
	for _, l := range lines {
		lagText, oldest := "?", "-"
		if l.Lag != nil {
			lagText = thousands(*l.Lag)
		}
		if l.Pending > 0 {
			oldest = ago(time.Duration(l.OldestPendingMs) * time.Millisecond)
		}
		dead := plain(thousands(l.Dead))
		if l.Dead > 0 {
			dead.code = colourRed
		}
		row := []cell{
			plain(l.Stream), plain(visible(l.Name, 40)), plain(lagText), plain(thousands(l.Pending)), plain(oldest), dead,
			plain(fmt.Sprintf("%d of %d", alive(l.Consumers), len(l.Consumers))),
		}
		if rates {
			text := "-"
			if l.Rate != nil {
				text = strconv.FormatFloat(*l.Rate, 'f', 0, 64)
			}
			row = append(row, plain(text))
		}
		t.add(append(row, l.state())...)
	}
	return t
}

func alive(consumers []eventbus.ConsumerState) int {
	n := 0
	for _, c := range consumers {
		if c.Alive {
			n++
		}
	}
	return n
}

// state says in a word what the group does.
func (b behind) state() cell {
	switch {
	case b.Paused != nil:
		return cell{"paused", colourYellow}
	case alive(b.Consumers) == 0:
		return cell{"nobody reads", colourRed}
	case b.Lag != nil && *b.Lag+b.Pending > 0:
		return cell{"at work", colourNone}
	case b.Lag != nil:
		return cell{"done", colourGreen}
	default:
		return plain("")
	}
}

// tooFar is a [wrongError] if a group is more than most behind; less than 0 is
// no bound.
func tooFar(lines []behind, most int64) error {
	var wrong []string
	for _, l := range lines {
		switch {
		case most < 0 || l.URL != "": // of a subscriber nothing is counted
		case l.Lag == nil:
			wrong = append(wrong, fmt.Sprintf("%s on %s: Redis cannot tell", l.Name, l.Stream))
		case *l.Lag+l.Pending > most:
			wrong = append(wrong, fmt.Sprintf("%s on %s: %s", l.Name, l.Stream, thousands(*l.Lag+l.Pending)))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return wrongError{fmt.Errorf("more than %s behind: %s", thousands(most), strings.Join(wrong, "; "))}
}

// completeStreams lets a shell complete the flags group and stream of a command.
func completeStreams(environ map[string]string, cmd *cobra.Command) {
	complete(environ, cmd, "group", eventbus.Groups)
	complete(environ, cmd, "stream", func(context.Context, *bus.Bus) ([]string, error) { return streams(), nil })
}
