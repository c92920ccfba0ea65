package eventbus

import (
	"context"
	_ "embed" // the scripts
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const subscribersKey = "{eventbus}:subscribers"

func subscriberKey(name string) string { return "{eventbus}:push:" + name }
func holderKey(name string) string     { return subscriberKey(name) + ":holder" }

// groupOf is the name under which a subscriber's dead letters are kept, as those
// of a consumer group are.
func groupOf(name string) string { return event.EventBus + "/push:" + name }

//go:embed lua/hold.lua
var holdLua string

//go:embed lua/advance.lua
var advanceLua string

//go:embed lua/room.lua
var roomLua string

// store keeps what is the service's own in Redis.
type store struct {
	bus                *bus.Bus
	hold, advance, has *bus.Script
}

func newStore(b *bus.Bus) *store {
	return &store{bus: b, hold: bus.NewScript(holdLua), advance: bus.NewScript(advanceLua), has: bus.NewScript(roomLua)}
}

// place is how far a subscriber has come: Number counts what it was sent, and
// At is, per stream, the last entry.
type place struct {
	Number int64
	At     map[string]bus.ID
}

// register notes that there is such a subscriber.
func (s *store) register(ctx context.Context, sub subscriber) error {
	err := s.bus.Do(ctx, "SADD", subscribersKey, sub.name()).Err()
	if err == nil {
		err = s.bus.Do(ctx, "HSET", subscriberKey(sub.name()), "url", sub.shown()).Err()
	}
	if err == nil {
		err = s.report(ctx, sub.name(), PushState{State: string(pushWorking)})
	}
	return bus.Err("register a subscriber", err)
}

// stateFields say how a subscriber does not take events; there are none while it does.
var stateFields = []string{"state", "since", "reason"}

// report saves how the subscriber takes events.
func (s *store) report(ctx context.Context, name string, state PushState) error {
	args := []any{"HDEL", subscriberKey(name), "state", "since", "reason"}
	if state.State != string(pushWorking) {
		args = []any{"HSET", subscriberKey(name), "state", state.State, "since", state.Since.Format(time.RFC3339Nano), "reason", state.Reason}
	}
	return bus.Err("save a subscriber's state", s.bus.Do(ctx, args...).Err())
}

// room reports whether the subscriber's dead letters have room for one more.
func (s *store) room(ctx context.Context, name string, letter bus.DeadLetter, letters, size int) (bool, error) {
	text, err := json.Marshal(letter)
	if err != nil {
		return false, err
	}
	n, err := s.bus.Run(ctx, s.has, []string{subscriberKey(name) + ":dead"},
		letter.Stream+"/"+letter.Entry.String(), letters, size, len(text)).Int()
	return n == 1, bus.Err("count a subscriber's dead letters", err)
}

// keep makes this replica the holder of the subscriber for that long, and
// reports whether it is.
func (s *store) keep(ctx context.Context, name, replica string, ttl time.Duration) (bool, error) {
	n, err := s.bus.Run(ctx, s.hold, []string{holderKey(name)}, replica, ttl.Milliseconds()).Int()
	return n == 1, bus.Err("hold a subscriber", err)
}

// release gives the subscriber up, for another replica to take it at once.
func (s *store) release(ctx context.Context, name, replica string) error {
	return bus.Err("release a subscriber", s.bus.Run(ctx, s.hold, []string{holderKey(name)}, replica, 0).Err())
}

// save writes down how far the subscriber has come. It is [errNotHolder] if this
// replica is not its holder.
func (s *store) save(ctx context.Context, name, replica string, p place) error {
	at, err := json.Marshal(p.At)
	if err != nil {
		return err
	}
	n, err := s.bus.Run(ctx, s.advance, []string{holderKey(name), subscriberKey(name)}, replica, p.Number, at).Int()
	if err == nil && n == 0 {
		return errNotHolder
	}
	return bus.Err("save a subscriber's place", err)
}

// place returns how far the subscriber has come; the beginning, for a new one.
func (s *store) place(ctx context.Context, name string) (place, error) {
	fields, err := s.bus.Redis().HMGet(ctx, subscriberKey(name), "number", "place").Result()
	if err != nil {
		return place{}, bus.Err("load a subscriber's place", err)
	}
	p := place{At: map[string]bus.ID{}}
	number, saved := fields[0].(string)
	at, _ := fields[1].(string)
	if !saved {
		return p, nil
	}
	if p.Number, err = strconv.ParseInt(number, 10, 64); err == nil {
		err = json.Unmarshal([]byte(at), &p.At)
	}
	if err != nil {
		return place{}, fmt.Errorf("place of the subscriber %s: %w", name, err)
	}
	return p, nil
}

// names returns the names of all subscribers that there ever were.
func (s *store) names(ctx context.Context) ([]string, error) {
	names, err := s.bus.Redis().SMembers(ctx, subscribersKey).Result()
	slices.Sort(names)
	return names, bus.Err("list subscribers", err)
}

// Groups returns every group that can have dead letters: those that read the
// streams, and the subscribers.
func Groups(ctx context.Context, b *bus.Bus) ([]string, error) { return newStore(b).groups(ctx) }

func (s *store) groups(ctx context.Context) ([]string, error) {
	groups, err := s.bus.Groups(ctx, streams()...)
	if err != nil {
		return nil, err
	}
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		groups = append(groups, groupOf(name))
	}
	// A group that vanished with its stream, and was not yet made again.
	groups = append(groups, event.Posts, event.Comments, event.Moderator, event.Query)
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

// progress returns how far every subscriber has come.
func (s *store) progress(ctx context.Context) ([]progress, error) {
	names, err := s.names(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]progress, 0, len(names))
	for _, name := range names {
		at, err := s.place(ctx, name)
		if err != nil {
			return nil, err
		}
		var fields *redis.SliceCmd
		var holder *redis.StringCmd
		var dead *redis.IntCmd
		_, err = s.bus.Redis().Pipelined(ctx, func(p redis.Pipeliner) error {
			fields = p.HMGet(ctx, subscriberKey(name), append([]string{"url"}, stateFields...)...)
			holder = p.Get(ctx, holderKey(name))
			dead = p.HLen(ctx, subscriberKey(name)+":dead")
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, bus.Err("inspect a subscriber", err)
		}
		one := progress{name: name, holder: holder.Val(), at: at.At, dead: dead.Val()}
		one.url, one.push = pushStateOf(fields.Val())
		all = append(all, one)
	}
	return all, nil
}

// pushStateOf reads a subscriber's address and its state, nil while it takes events.
func pushStateOf(fields []any) (url string, state *PushState) {
	texts := make([]string, 1+len(stateFields))
	for i, f := range fields {
		texts[i], _ = f.(string)
	}
	since, err := time.Parse(time.RFC3339Nano, texts[2])
	if texts[1] == "" || err != nil {
		return texts[0], nil
	}
	return texts[0], &PushState{State: texts[1], Since: since, Reason: texts[3]}
}
