package bus

import (
	"context"
	"fmt"
)

// Redriven is an entry that was sent back from the dead letters of a group,
// with the stream and id that it first had.
type Redriven struct {
	Entry

	// Place is where it waits now; see [Bus.DropRedriven].
	Place ID
	// Err is set if the entry cannot be understood.
	Err error
}

// Redriven returns up to n entries that wait to be handled again by the group,
// oldest first. Consumers read them by themselves; it is for those who read
// without a group, and they drop each when they have done with it.
func (b *Bus) Redriven(ctx context.Context, group string, n int) ([]Redriven, error) {
	stream := RedriveStream(group)
	messages, err := b.client.XRangeN(ctx, stream, "-", "+", int64(n)).Result()
	if err != nil {
		return nil, Err("read "+stream, err)
	}
	waiting := make([]Redriven, 0, len(messages))
	for _, m := range messages {
		place, err := ParseID(m.ID)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", stream, err)
		}
		e, err := parseRedriven(stream, m)
		waiting = append(waiting, Redriven{Entry: e, Place: place, Err: err})
	}
	return waiting, nil
}

// DropRedriven removes an entry that the group has handled. Doing so again
// changes nothing.
func (b *Bus) DropRedriven(ctx context.Context, group string, place ID) error {
	stream := RedriveStream(group)
	return Err("drop from "+stream, b.client.XDel(ctx, stream, place.String()).Err())
}

// Letter returns e as a dead letter of the group, to be given to [Bus.Bury].
func (e Entry) Letter(group string) DeadLetter {
	fields := map[string]string{}
	for list := e.Event.Fields(); len(list) > 1; list = list[2:] {
		fields[list[0]] = list[1]
	}
	return DeadLetter{DeadID: DeadID{Group: group, Stream: e.Stream, Entry: e.ID}, Fields: fields}
}
