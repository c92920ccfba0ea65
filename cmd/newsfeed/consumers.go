package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
)

func newConsumers(environ map[string]string) *cobra.Command {
	var group, stream string
	cmd := &cobra.Command{
		Use:   "consumers",
		Short: "Show who reads for each group, and whether they live",
		Long: `Show who reads for each group, and whether they live: a consumer signs every few
seconds, whatever it does. IDLE is how long ago it last took or asked for
entries. What the dead had in hand is taken over by the living within seconds;
their names go after a day.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&group, "group", "", "only this group")
	cmd.Flags().StringVar(&stream, "stream", "", "only this stream")
	cmd = operatorCommand(environ, cmd, func(ctx context.Context, o *operator, _ []string) error {
		return showConsumers(ctx, o, group, stream)
	})
	completeStreams(environ, cmd)
	return cmd
}

// reader is a consumer as programs are told of it.
type reader struct {
	Group  string `json:"group"`
	Stream string `json:"stream"`
	// Consumer is its name, as in pending.
	Consumer string `json:"consumer"`
	Pending  int64  `json:"pending"`
	IdleMs   int64  `json:"idleMs"`
	Alive    bool   `json:"alive"`
	Paused   bool   `json:"paused"`
	State    string `json:"state"`
}

// state says in a word what the consumer does.
func (r reader) state() cell {
	switch {
	case !r.Alive:
		return cell{"gone", colourRed}
	case r.Paused:
		return cell{"paused", colourYellow}
	default:
		return cell{"alive", colourGreen}
	}
}

func showConsumers(ctx context.Context, o *operator, group, stream string) error {
	states, err := o.states(ctx, group, stream)
	if err != nil {
		return err
	}
	readers := []reader{}
	for _, s := range states {
		for _, g := range s.Groups {
			for _, c := range g.Consumers {
				r := reader{g.Name, s.Name, c.Name, c.Pending, c.IdleMs, c.Alive, g.Paused != nil, ""}
				r.State = r.state().text
				readers = append(readers, r)
			}
		}
	}
	if o.json {
		return o.writeJSON(readers)
	}
	t := newGrid(o.paint, "GROUP", "STREAM", "CONSUMER", "PENDING", "IDLE", "STATE")
	for _, r := range readers {
		t.add(plain(visible(r.Group, 40)), plain(r.Stream), plain(visible(r.Consumer, 64)), plain(thousands(r.Pending)),
			plain(ago(time.Duration(r.IdleMs)*time.Millisecond)), r.state())
	}
	if t.empty() {
		_, err := io.WriteString(o.out, "Nobody reads.\n")
		return err
	}
	return t.write(o.out)
}
