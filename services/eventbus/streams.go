package eventbus

import (
	"context"
	"net/http"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// StreamState is how a stream stands, as programs are told of it.
type StreamState struct {
	Name   string       `json:"name"`
	Length int64        `json:"length"`
	First  string       `json:"first,omitempty"` // entry id
	Last   string       `json:"last,omitempty"`
	Groups []GroupState `json:"groups"`
}

// GroupState is how far a consumer group, or a subscriber, has come on a stream.
type GroupState struct {
	Name      string `json:"name"`
	URL       string `json:"url,omitempty"` // of a subscriber
	Delivered string `json:"delivered,omitempty"`
	// Lag is how many entries it has not been given; null if that is not known.
	Lag     *int64 `json:"lag"`
	Pending int64  `json:"pending"`
	// OldestPendingMs is the age of the oldest pending entry in milliseconds.
	OldestPendingMs int64           `json:"oldestPendingMs"`
	Consumers       []ConsumerState `json:"consumers"`
	// Dead counts the dead letters of the group, of all its streams.
	Dead int64 `json:"dead"`
	// Paused is set if an operator has paused the group.
	Paused *bus.Pause `json:"paused,omitempty"`
	// Push is set while a subscriber does not take events.
	Push *PushState `json:"push,omitempty"`
}

// ConsumerState is a replica that reads for a group, or pushes to a subscriber.
type ConsumerState struct {
	Name    string `json:"name"`
	Pending int64  `json:"pending"`
	IdleMs  int64  `json:"idleMs"`
	Alive   bool   `json:"alive"`
}

// inspect shows every stream.
func (a api) inspect(w http.ResponseWriter, r *http.Request) error {
	states, err := States(r.Context(), a.store.bus)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusOK, states)
}

// States returns how every stream stands: those of events, with the groups that
// read them and the subscribers, and those of what is to be handled again, as far
// as they hold anything.
func States(ctx context.Context, b *bus.Bus) ([]StreamState, error) {
	infos, err := b.Streams(ctx, streams()...)
	if err != nil {
		return nil, err
	}
	subscribers, err := newStore(b).progress(ctx)
	if err != nil {
		return nil, err
	}
	redrives, err := b.Streams(ctx, redrives()...)
	if err != nil {
		return nil, err
	}
	var states []StreamState
	for _, info := range infos {
		s := stateOf(info)
		for _, sub := range subscribers {
			s.Groups = append(s.Groups, sub.on(info))
		}
		states = append(states, s)
	}
	for _, info := range redrives {
		if info.Length > 0 {
			states = append(states, stateOf(info))
		}
	}
	return states, nil
}

// redrives are the streams of what the services are to handle again.
func redrives() []string {
	var all []string
	for _, group := range []string{event.Posts, event.Comments, event.Moderator, event.Query} {
		all = append(all, bus.RedriveStream(group))
	}
	return all
}

func stateOf(info bus.StreamInfo) StreamState {
	s := StreamState{Name: info.Name, Length: info.Length, First: idText(info.First), Last: idText(info.Last), Groups: []GroupState{}}
	for _, g := range info.Groups {
		state := GroupState{
			Name: g.Name, Delivered: idText(g.Delivered), Lag: g.Lag, Pending: g.Pending,
			OldestPendingMs: g.OldestPending.Milliseconds(), Consumers: []ConsumerState{}, Dead: g.Dead, Paused: g.Paused,
		}
		for _, c := range g.Consumers {
			state.Consumers = append(state.Consumers, ConsumerState{
				Name: c.Name, Pending: c.Pending, IdleMs: max(c.Idle, 0).Milliseconds(), Alive: c.Alive,
			})
		}
		s.Groups = append(s.Groups, state)
	}
	return s
}

// progress is how far one subscriber has come.
type progress struct {
	name, url, holder string
	at                map[string]bus.ID
	dead              int64
	push              *PushState
}

// on returns the progress on one stream, told as that of a group. Redis does not
// count for subscribers, so of the lag it is only known whether there is any.
func (p progress) on(info bus.StreamInfo) GroupState {
	g := GroupState{
		Name: groupOf(p.name), URL: p.url, Delivered: idText(p.at[info.Name]), Dead: p.dead, Consumers: []ConsumerState{}, Push: p.push,
	}
	if !info.Last.After(p.at[info.Name]) {
		g.Lag = new(int64)
	}
	if p.holder != "" {
		g.Consumers = append(g.Consumers, ConsumerState{Name: p.holder, Alive: true})
	}
	return g
}

func idText(id bus.ID) string {
	text, _ := id.MarshalText() // never fails
	return string(text)
}
