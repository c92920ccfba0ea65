package bus

import (
	"cmp"
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

// PendingEntry is an entry that was given to a consumer and not acknowledged.
type PendingEntry struct {
	Entry // without its event if the stream has lost it
	// Lost says that the stream no longer has the entry.
	Lost       bool
	Consumer   string
	Deliveries int64
	Idle       time.Duration // since it was given out last
}

// PendingQuery chooses among the entries that are pending in a group on a stream.
type PendingQuery struct {
	Stream, Group string
	// Idle leaves out what was given out less than that long ago.
	Idle  time.Duration
	Limit int // at most; default 100
}

// Pending returns entries that are pending, oldest first. Those that were sent
// back from the dead letters come with the stream and id that they first had.
func (b *Bus) Pending(ctx context.Context, q PendingQuery) ([]PendingEntry, error) {
	stream, group := q.Stream, q.Group
	listed, err := b.client.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: stream, Group: group, Idle: q.Idle, Start: "-", End: "+", Count: int64(cmp.Or(q.Limit, 100)),
	}).Result()
	if noGroup(err) {
		return nil, nil
	}
	if err != nil {
		return nil, Err("pending of "+group, err)
	}
	entries := make([]PendingEntry, 0, len(listed))
	for _, p := range listed {
		pe := PendingEntry{Consumer: p.Consumer, Deliveries: p.RetryCount, Idle: p.Idle}
		messages, err := b.client.XRangeN(ctx, stream, p.ID, p.ID, 1).Result()
		if err != nil {
			return nil, Err("read "+stream, err)
		}
		if len(messages) == 0 {
			pe.Lost = true
			messages = []redis.XMessage{{ID: p.ID}}
		}
		if stream == RedriveStream(group) && !pe.Lost {
			pe.Entry, _ = parseRedriven(stream, messages[0]) // shown as far as it can be read
		} else {
			pe.Entry = entriesOf(stream, messages)[0]
		}
		if pe.Lost {
			pe.Event = event.Event{}
		}
		entries = append(entries, pe)
	}
	return entries, nil
}
