package bus

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Progress is how far the groups of one stream have come: less than [StreamInfo],
// for two round trips whatever the number of groups and consumers.
type Progress struct {
	Stream string
	Length int64
	Groups []GroupProgress // by name
}

// GroupProgress is how far one group has come on a stream.
type GroupProgress struct {
	Name string
	// Lag is how many entries have not been delivered; nil if Redis cannot say.
	Lag *int64
	// Waiting is the age of the oldest of them, 0 if there is none.
	Waiting time.Duration
	// Pending is how many have been delivered and not acknowledged, and
	// OldestPending the age of the oldest of them.
	Pending       int64
	OldestPending time.Duration
	Consumers     int64
}

// Behind is the age of the oldest entry that the group has not done with.
func (g GroupProgress) Behind() time.Duration { return max(g.Waiting, g.OldestPending) }

// MaxProgress bounds the groups of a stream that [Bus.Progress] looks at, the first
// by name.
const MaxProgress = 32

// Progress returns how far the groups of a stream have come. A stream that does not
// exist has none.
func (b *Bus) Progress(ctx context.Context, stream string) (Progress, error) {
	p := Progress{Stream: stream}
	var info *redis.XInfoStreamCmd
	var found *redis.XInfoGroupsCmd
	_, err := b.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		info, found = pipe.XInfoStream(ctx, stream), pipe.XInfoGroups(ctx, stream)
		return nil
	})
	if noGroup(err) {
		return p, nil
	}
	if err != nil {
		return p, Err("inspect "+stream, err)
	}
	p.Length = info.Val().Length
	last, err := ParseID(info.Val().LastGeneratedID)
	if err != nil {
		return p, err
	}
	groups := found.Val()
	slices.SortFunc(groups, func(a, b redis.XInfoGroup) int { return strings.Compare(a.Name, b.Name) })
	p.Groups, err = b.progress(ctx, stream, last, groups[:min(len(groups), MaxProgress)])
	return p, err
}

func (b *Bus) progress(ctx context.Context, stream string, last ID, groups []redis.XInfoGroup) ([]GroupProgress, error) {
	all := make([]GroupProgress, len(groups))
	pending, next := make([]*redis.XPendingCmd, len(groups)), make([]*redis.XMessageSliceCmd, len(groups))
	_, err := b.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, g := range groups {
			delivered, err := ParseID(g.LastDeliveredID)
			if err != nil {
				return err
			}
			all[i] = GroupProgress{Name: g.Name, Pending: g.Pending, Consumers: g.Consumers, Lag: lagOf(g, delivered, last)}
			pending[i] = pipe.XPending(ctx, stream, g.Name)
			if last.After(delivered) {
				next[i] = pipe.XRangeN(ctx, stream, "("+delivered.String(), "+", 1)
			}
		}
		return nil
	})
	if err != nil && !noGroup(err) && !errors.Is(err, redis.Nil) && len(groups) > 0 {
		return nil, Err("inspect "+stream, err)
	}
	for i := range all {
		if s := pending[i].Val(); s != nil && s.Count > 0 {
			all[i].OldestPending = age(s.Lower)
		}
		if next[i] != nil && len(next[i].Val()) > 0 {
			all[i].Waiting = age(next[i].Val()[0].ID)
		}
	}
	return all, nil
}

// age is how long ago an entry was written, by the clock of Redis then and of this
// machine now.
func age(entryID string) time.Duration {
	id, err := ParseID(entryID)
	if err != nil {
		return 0
	}
	return max(0, time.Since(id.Time()))
}

// Waiting is how many changes of this process wait to be sent to Redis.
func (b *Bus) Waiting() int { return b.groups.waiting() }
