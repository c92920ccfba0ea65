package bus

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// StreamInfo is the state of one stream.
type StreamInfo struct {
	Name   string
	Length int64
	// First is the oldest entry that is there, zero if there is none, and Last
	// the newest that there ever was.
	First, Last ID
	Groups      []GroupInfo
}

// GroupInfo is how far one group has come on a stream.
type GroupInfo struct {
	Name string
	// Delivered is the id of the last entry that was given to a consumer.
	Delivered ID
	// Lag is how many entries have not been delivered; nil if Redis cannot say.
	Lag *int64
	// Pending is how many have been delivered and not acknowledged, and
	// OldestPending the age of the first of them.
	Pending       int64
	OldestPending time.Duration
	Consumers     []ConsumerInfo
	// Dead is how many dead letters the group has, of all its streams.
	Dead int64
	// Paused is set if an operator has paused the group.
	Paused *Pause
}

// ConsumerInfo is one replica of a group on a stream.
type ConsumerInfo struct {
	Name    string
	Pending int64
	Idle    time.Duration
	Alive   bool
}

// Streams returns the state of the named streams; one that does not exist yet
// is reported as empty.
func (b *Bus) Streams(ctx context.Context, names ...string) ([]StreamInfo, error) {
	infos := make([]StreamInfo, 0, len(names))
	for _, name := range names {
		info, err := b.stream(ctx, name)
		if err != nil {
			return nil, Err("inspect "+name, err)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (b *Bus) stream(ctx context.Context, name string) (StreamInfo, error) {
	info := StreamInfo{Name: name}
	x, err := b.client.XInfoStream(ctx, name).Result()
	if noGroup(err) {
		return info, nil
	}
	if err != nil {
		return info, err
	}
	info.Length = x.Length
	if x.FirstEntry.ID != "" {
		if info.First, err = ParseID(x.FirstEntry.ID); err != nil {
			return info, err
		}
	}
	if info.Last, err = ParseID(x.LastGeneratedID); err != nil {
		return info, err
	}
	groups, err := b.client.XInfoGroups(ctx, name).Result()
	if err != nil {
		return info, err
	}
	for _, g := range groups {
		gi, err := b.groupInfo(ctx, name, info.Last, g)
		if err != nil {
			return info, err
		}
		info.Groups = append(info.Groups, gi)
	}
	return info, nil
}

func (b *Bus) groupInfo(ctx context.Context, stream string, last ID, g redis.XInfoGroup) (GroupInfo, error) {
	gi := GroupInfo{Name: g.Name, Pending: g.Pending}
	var err error
	if gi.Delivered, err = ParseID(g.LastDeliveredID); err != nil {
		return gi, err
	}
	gi.Lag = lagOf(g, gi.Delivered, last)
	if gi.Dead, err = b.client.HLen(ctx, deadKey(g.Name)).Result(); err != nil {
		return gi, err
	}
	if gi.Paused, err = b.PauseOf(ctx, g.Name); err != nil {
		return gi, err
	}
	pending, err := b.client.XPending(ctx, stream, g.Name).Result()
	if err != nil {
		return gi, err
	}
	if pending.Count > 0 {
		if oldest, err := ParseID(pending.Lower); err == nil {
			gi.OldestPending = max(0, time.Since(oldest.Time()))
		}
	}
	consumers, err := b.client.XInfoConsumers(ctx, stream, g.Name).Result()
	if err != nil {
		return gi, err
	}
	for _, c := range consumers {
		alive, err := b.client.Exists(ctx, aliveKey(stream, g.Name, c.Name)).Result()
		if err != nil {
			return gi, err
		}
		gi.Consumers = append(gi.Consumers, ConsumerInfo{Name: c.Name, Pending: c.Pending, Idle: c.Idle, Alive: alive == 1})
	}
	return gi, nil
}

// lagOf returns how many entries of a stream, whose last is given, the group has
// not been given; nil if Redis cannot say.
func lagOf(g redis.XInfoGroup, delivered, last ID) *int64 {
	switch {
	case !last.After(delivered):
		// Redis 7.0 loses count when it replays its file and on a replica: the lag
		// that it tells stays too high from then on.
		return new(int64)
	case g.Lag >= 0:
		return &g.Lag
	default:
		return nil
	}
}

// Groups returns the names of the consumer groups on the streams, sorted.
func (b *Bus) Groups(ctx context.Context, streams ...string) ([]string, error) {
	names := map[string]bool{}
	for _, stream := range streams {
		groups, err := b.client.XInfoGroups(ctx, stream).Result()
		if err != nil && !noGroup(err) {
			return nil, Err("inspect "+stream, err)
		}
		for _, g := range groups {
			names[g.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// Last returns the id of the last entry of stream, zero if there has been none.
func (b *Bus) Last(ctx context.Context, stream string) (ID, error) {
	x, err := b.client.XInfoStream(ctx, stream).Result()
	if noGroup(err) {
		return ID{}, nil
	}
	if err != nil {
		return ID{}, Err("inspect "+stream, err)
	}
	return ParseID(x.LastGeneratedID)
}

// Passed reports whether group has handled and acknowledged every entry of
// stream up to id.
func (b *Bus) Passed(ctx context.Context, stream, group string, id ID) (bool, error) {
	if id.IsZero() {
		return true, nil
	}
	var groups *redis.XInfoGroupsCmd
	var pending *redis.XPendingCmd
	// In this order: what had been delivered by the first is acknowledged, or
	// pending at the second.
	_, err := b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		groups = p.XInfoGroups(ctx, stream)
		pending = p.XPending(ctx, stream, group)
		return nil
	})
	if noGroup(err) {
		return false, nil
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, Err("progress of "+group, err)
	}
	for _, g := range groups.Val() {
		if g.Name != group {
			continue
		}
		delivered, err := ParseID(g.LastDeliveredID)
		if err != nil || id.After(delivered) {
			return false, err
		}
		if p := pending.Val(); p != nil && p.Count > 0 {
			lowest, err := ParseID(p.Lower)
			return err == nil && lowest.After(id), err
		}
		return true, nil
	}
	return false, nil
}
