package bus

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// State is what a group has done with an entry.
type State string

// The states of an entry in a group.
const (
	StateWaiting  State = "waiting"  // not delivered yet
	StatePending  State = "pending"  // delivered and not acknowledged
	StateDone     State = "done"     // acknowledged, and no dead letter
	StateDead     State = "dead"     // a dead letter
	StateSentBack State = "sentback" // a dead letter that was redriven, and not yet acknowledged
)

// EntryState is the state of one entry in one group.
type EntryState struct {
	Group string
	State State
	// Consumer has the entry, as far as it is pending; Deliveries counts how
	// often it was given to one, and Idle is how long ago the last time was.
	Consumer   string
	Deliveries int64
	Idle       time.Duration
	// Letter is set for a dead letter.
	Letter *DeadLetter
}

// maxSentBack bounds how many redriven entries are looked through for one.
const maxSentBack = 10_000

// EntryStates returns what each group of the stream has done with an entry.
func (b *Bus) EntryStates(ctx context.Context, stream string, id ID) ([]EntryState, error) {
	groups, err := b.client.XInfoGroups(ctx, stream).Result()
	if noGroup(err) {
		return nil, nil
	}
	if err != nil {
		return nil, Err("inspect "+stream, err)
	}
	states := make([]EntryState, 0, len(groups))
	for _, g := range groups {
		delivered, err := ParseID(g.LastDeliveredID)
		if err != nil {
			return nil, err
		}
		s, err := b.entryState(ctx, g.Name, stream, id)
		if err != nil {
			return nil, err
		}
		if s.State == StateDone && id.After(delivered) {
			s.State = StateWaiting
		}
		states = append(states, s)
	}
	return states, nil
}

// entryState looks in the order in which an entry goes on, so that one that
// moves meanwhile is met at its next place.
func (b *Bus) entryState(ctx context.Context, group, stream string, id ID) (EntryState, error) {
	s := EntryState{Group: group, State: StateDone}
	pending, err := b.pendingAt(ctx, stream, group, id)
	if err != nil {
		return s, err
	}
	letter, err := b.DeadLetter(ctx, DeadID{Group: group, Stream: stream, Entry: id})
	switch {
	case err == nil:
		s.State, s.Letter = StateDead, &letter
		return s, nil
	case !errors.Is(err, ErrNotFound):
		return s, err
	case pending != nil:
		s.State, s.Consumer, s.Deliveries, s.Idle = StatePending, pending.Consumer, pending.RetryCount, pending.Idle
		return s, nil
	}
	place, err := b.sentBackAs(ctx, group, stream, id)
	if err != nil || place.IsZero() {
		return s, err
	}
	s.State = StateSentBack
	if pending, err = b.pendingAt(ctx, RedriveStream(group), group, place); err != nil || pending == nil {
		return s, err
	}
	s.Consumer, s.Deliveries, s.Idle = pending.Consumer, pending.RetryCount, pending.Idle
	return s, nil
}

// pendingAt returns the entry as it is pending, nil if it is not.
func (b *Bus) pendingAt(ctx context.Context, stream, group string, id ID) (*redis.XPendingExt, error) {
	pending, err := b.client.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: stream, Group: group, Start: id.String(), End: id.String(), Count: 1,
	}).Result()
	if noGroup(err) || err == nil && len(pending) == 0 {
		return nil, nil // not to be pending is no error
	}
	if err != nil {
		return nil, Err("pending of "+group, err)
	}
	return &pending[0], nil
}

// sentBackAs returns the place of an entry on the group's redrive stream, zero
// if it is not there.
func (b *Bus) sentBackAs(ctx context.Context, group, stream string, id ID) (ID, error) {
	sc := scan{b: b, stream: RedriveStream(group), to: MaxID, newest: true, most: maxSentBack}
	var place ID
	err := sc.each(ctx, func(m redis.XMessage) bool {
		if m.Values[fieldOriginStream] == stream && m.Values[fieldOriginID] == id.String() {
			place, _ = ParseID(m.ID) // Redis made it
		}
		return place.IsZero()
	})
	return place, err
}
