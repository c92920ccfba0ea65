package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/services/eventbus"
)

type lagOptions struct {
	group, stream string
	watch         bool
	every         time.Duration
	most          int64 // less than 0 is no bound
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
than that, LAG and PENDING together, if Redis cannot tell, or if a service has
never run here.`,
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
		bounded := cmd.Flags().Changed("max")
		if o.watch && bounded {
			return usageError{fmt.Errorf("--max is for one look, not for --watch")}
		}
		if bounded && o.most < 0 {
			return usageError{fmt.Errorf("--max = %d is less than 0", o.most)}
		}
		return lag(ctx, op, o)
	})
	completeStreams(environ, cmd)
	return cmd
}

// behind is one line of lag.
type behind struct {
	Group  string `json:"group"`
	Stream string `json:"stream"`
	eventbus.GroupState
	Name  *string `json:"name,omitempty"` // is never set: it stands for Group, under the name it has elsewhere
	State string  `json:"state"`
	// Rate is how many entries a second were finished since the look before;
	// null without one, or if Redis cannot tell.
	Rate *float64 `json:"rate,omitempty"`

	finished int64 // since the stream began, give or take a constant
	known    bool  // whether finished is
}

func lag(ctx context.Context, op *operator, o lagOptions) error {
	if !o.watch {
		return lagOnce(ctx, op, o)
	}
	var before []behind
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	var gone outage
	for last := time.Now(); ; {
		lines, err := look(ctx, op, o)
		switch {
		case bus.Unavailable(err) && !bus.Refused(err):
			gone.tell(op.errOut, err)
		case err != nil:
			return err
		default:
			gone.over()
			now := time.Now()
			rate(lines, before, now.Sub(last))
			if err := showAgain(op, lines, now); err != nil {
				return err
			}
			before, last = lines, now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// lagOnce shows one look, and judges it.
func lagOnce(ctx context.Context, op *operator, o lagOptions) error {
	lines, err := look(ctx, op, o)
	if err != nil {
		return err
	}
	absent := neverRan(lines, o)
	if op.json {
		err = op.writeJSON(lines)
	} else {
		err = lagTable(op.paint, lines, false).write(op.out)
		for _, who := range absent {
			fmt.Fprintf(op.out, "Nobody reads: %s.\n", who)
		}
	}
	if err != nil {
		return err
	}
	return tooFar(lines, absent, o.most)
}

// neverRan says which services should read what was looked at, and never did.
func neverRan(lines []behind, o lagOptions) []string {
	var absent []string
	if slices.Contains(streams(), o.stream) && o.stream != event.Stream(event.EventBus) && len(lines) == 0 {
		absent = append(absent, "no group is on "+o.stream)
	}
	for _, name := range services() {
		wanted := o.stream == "" && (o.group == "" || o.group == name)
		if wanted && !slices.ContainsFunc(lines, func(l behind) bool { return l.Group == name }) {
			absent = append(absent, name+" has never run here")
		}
	}
	return absent
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
	if errors.Is(err, errNoGroup) && o.stream == "" && slices.Contains(services(), o.group) {
		return []behind{}, nil // it should be there, and that it is not is told
	}
	if err != nil {
		return nil, err
	}
	lines := []behind{}
	for _, s := range states {
		for _, g := range s.Groups {
			b := behind{Group: g.Name, Stream: s.Name, GroupState: g, known: g.Lag != nil && g.URL == ""}
			b.State = b.state().text
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
			if l := &lines[i]; b.Stream == l.Stream && b.Group == l.Group && b.known && l.known {
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
			plain(l.Stream), plain(visible(l.Group, 40)), plain(lagText), plain(thousands(l.Pending)), plain(oldest), dead,
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

// tooFar is a [wrongError] if a group is more than most behind, or a service is
// absent; less than 0 is no bound.
func tooFar(lines []behind, absent []string, most int64) error {
	var wrong []string
	for _, l := range lines {
		switch {
		case most < 0 || l.URL != "": // of a subscriber nothing is counted
		case l.Lag == nil:
			wrong = append(wrong, fmt.Sprintf("%s on %s: Redis cannot tell", l.Group, l.Stream))
		case *l.Lag+l.Pending > most:
			wrong = append(wrong, fmt.Sprintf("%s on %s: %s", l.Group, l.Stream, thousands(*l.Lag+l.Pending)))
		}
	}
	var all []string
	if len(wrong) > 0 {
		all = append(all, fmt.Sprintf("more than %s behind: %s", thousands(most), strings.Join(wrong, "; ")))
	}
	if most >= 0 {
		all = append(all, absent...)
	}
	if len(all) == 0 {
		return nil
	}
	return wrongError{errors.New(strings.Join(all, "; "))}
}

// completeStreams lets a shell complete the flags group and stream of a command.
func completeStreams(environ map[string]string, cmd *cobra.Command) {
	complete(environ, cmd, "group", eventbus.Groups)
	complete(environ, cmd, "stream", func(context.Context, *bus.Bus) ([]string, error) { return streams(), nil })
}
