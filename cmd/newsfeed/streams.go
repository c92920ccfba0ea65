package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
)

func newStreams(environ map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "streams",
		Short: "Show every stream: how much it holds, and who reads it",
		Args:  cobra.NoArgs,
	}
	return operatorCommand(environ, cmd, showStreams)
}

func showStreams(ctx context.Context, o *operator, _ []string) error {
	states, err := o.states(ctx, "", "")
	if err != nil {
		return err
	}
	if o.json {
		return o.writeJSON(states)
	}
	t := newGrid(o.paint, "STREAM", "ENTRIES", "FIRST", "LATEST", "READ BY")
	for _, s := range states {
		var names []string
		for _, g := range s.Groups {
			name := visible(g.Name, 40)
			if g.Paused != nil {
				name += " (paused)"
			}
			names = append(names, name)
		}
		readBy := plain(strings.Join(names, ", "))
		if len(names) == 0 {
			readBy = cell{"nobody", colourGrey}
		}
		t.add(plain(s.Name), plain(thousands(s.Length)), plain(since(s.First)), plain(since(s.Last)), readBy)
	}
	return t.write(o.out)
}

// since says how long ago the entry of that id was appended, if there is one.
func since(entry string) string {
	id, err := bus.ParseID(entry)
	if err != nil {
		return "-"
	}
	return ago(time.Since(id.Time()))
}
