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
	infos, err := o.states(ctx, "", "")
	if err != nil {
		return err
	}
	if o.json {
		states := make([]streamState, 0, len(infos))
		for _, info := range infos {
			states = append(states, stateOf(info))
		}
		return o.writeJSON(states)
	}
	t := newGrid(o.paint, "STREAM", "ENTRIES", "FIRST", "LATEST", "READ BY")
	for _, info := range infos {
		var names []string
		for _, g := range info.Groups {
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
		t.add(plain(info.Name), plain(thousands(info.Length)), plain(since(info.First)), plain(since(info.Last)), readBy)
	}
	return t.write(o.out)
}

// since says how long ago an entry was appended.
func since(id bus.ID) string {
	if id.IsZero() {
		return "-"
	}
	return ago(time.Since(id.Time()))
}

// streamState is a stream as programs are told of it.
type streamState struct {
	Name   string       `json:"name"`
	Length int64        `json:"length"`
	First  string       `json:"first,omitempty"` // entry id
	Last   string       `json:"last,omitempty"`
	Groups []groupState `json:"groups"`
}

// groupState is how far a group has come on a stream.
type groupState struct {
	Name      string `json:"name"`
	Delivered string `json:"delivered,omitempty"`
	// Lag is how many entries it has not been given; null if that is not known.
	Lag             *int64          `json:"lag"`
	Pending         int64           `json:"pending"`
	OldestPendingMs int64           `json:"oldestPendingMs"`
	Dead            int64           `json:"dead"` // of all its streams
	Paused          *bus.Pause      `json:"paused,omitempty"`
	Consumers       []consumerState `json:"consumers"`
}

type consumerState struct {
	Name    string `json:"name"`
	Alive   bool   `json:"alive"`
	Pending int64  `json:"pending"`
	IdleMs  int64  `json:"idleMs"`
}

func stateOf(info bus.StreamInfo) streamState {
	s := streamState{
		Name: info.Name, Length: info.Length, First: idText(info.First), Last: idText(info.Last),
		Groups: make([]groupState, 0, len(info.Groups)),
	}
	for _, g := range info.Groups {
		s.Groups = append(s.Groups, groupStateOf(g))
	}
	return s
}

func groupStateOf(g bus.GroupInfo) groupState {
	s := groupState{
		Name: g.Name, Delivered: idText(g.Delivered), Lag: g.Lag, Pending: g.Pending,
		OldestPendingMs: g.OldestPending.Milliseconds(), Dead: g.Dead, Paused: g.Paused,
		Consumers: make([]consumerState, 0, len(g.Consumers)),
	}
	for _, c := range g.Consumers {
		s.Consumers = append(s.Consumers, consumerState{
			Name: c.Name, Alive: c.Alive, Pending: c.Pending, IdleMs: max(c.Idle, 0).Milliseconds(),
		})
	}
	return s
}

// idText writes an entry id, "" for none.
func idText(id bus.ID) string {
	text, _ := id.MarshalText() // never fails
	return string(text)
}
