package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/services/eventbus"
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
	eventbus.ConsumerState
	Paused bool `json:"paused"`
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
				readers = append(readers, reader{g.Name, s.Name, c, g.Paused != nil})
			}
		}
	}
	if o.json {
		return o.writeJSON(readers)
	}
	t := newGrid(o.paint, "GROUP", "STREAM", "CONSUMER", "PENDING", "IDLE", "STATE")
	for _, r := range readers {
		state := cell{"alive", colourGreen}
		switch {
		case !r.Alive:
			state = cell{"gone", colourRed}
		case r.Paused:
			state = cell{"paused", colourYellow}
		}
		t.add(plain(visible(r.Group, 40)), plain(r.Stream), plain(visible(r.Name, 64)), plain(thousands(r.Pending)),
			plain(ago(time.Duration(r.IdleMs)*time.Millisecond)), state)
	}
	if t.empty() {
		_, err := io.WriteString(o.out, "Nobody reads.\n")
		return err
	}
	return t.write(o.out)
}
