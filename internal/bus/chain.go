package bus

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

// Chain is an event with what led to it and what it led to.
type Chain struct {
	// Causes are the events that led to it, the first of the chain first.
	Causes []Entry
	// Missing is the id of a cause that was not found, so that Causes begins
	// behind it; "" if it is whole.
	Missing string
	// Event is the event itself, with its effects.
	Event *Link
	// Cut names the streams in which effects may lie behind what was looked at.
	Cut []string
}

// Link is an event with what it led to, in the order of time.
type Link struct {
	Entry
	Effects []*Link
}

const (
	maxCauses  = 100
	maxEffects = 10_000
	// skew is by how much the clocks of two Redis nodes may differ, so that an
	// effect can have a smaller id than its cause.
	skew = 5 * time.Second
)

// Chain returns the chain of e: its causes one by one, and of its effects those
// that stand on the streams of s among the first s.Most entries after it.
func (b *Bus) Chain(ctx context.Context, e Entry, s Search) (Chain, error) {
	var c Chain
	var err error
	if c.Causes, c.Missing, err = b.causes(ctx, e, s); err != nil {
		return c, err
	}
	c.Event, c.Cut, err = b.effects(ctx, e, s)
	return c, err
}

func (b *Bus) causes(ctx context.Context, e Entry, s Search) (causes []Entry, missing string, err error) {
	known := map[string]bool{e.Event.ID: true}
	for id := e.Event.CausationID; id != ""; {
		if known[id] || len(causes) == maxCauses {
			return causes, id, nil // nobody but a foreign writer makes such a chain
		}
		known[id] = true
		cause, err := b.Find(ctx, id, s)
		if errors.Is(err, ErrNotFound) {
			return causes, id, nil
		}
		if err != nil {
			return nil, "", err
		}
		causes = slices.Insert(causes, 0, cause)
		id = cause.Event.CausationID
	}
	return causes, "", nil
}

// effects gathers everything of the chain that came after e, and makes the tree
// of what e led to.
func (b *Bus) effects(ctx context.Context, e Entry, s Search) (root *Link, cut []string, err error) {
	id := e.Event.ID
	correlation := cmp.Or(e.Event.CorrelationID, id)
	var later []*Link
	progress := s.progress()
	for i, stream := range s.Streams {
		sc := scan{b: b, stream: stream, from: idAt(e.ID.Time().Add(-skew)), to: MaxID, most: s.most(), progress: progress}
		err := sc.each(ctx, func(m redis.XMessage) bool {
			if m.Values[event.FieldCorrelation] == correlation || m.Values[event.FieldCausation] == id {
				later = append(later, &Link{Entry: entriesOf(stream, []redis.XMessage{m})[0]})
			}
			sc.cut = len(later) == maxEffects
			return !sc.cut
		})
		if err != nil {
			return nil, nil, err
		}
		if sc.cut {
			cut = append(cut, stream)
		}
		if len(later) == maxEffects {
			cut = append(cut, s.Streams[i+1:]...)
			break
		}
	}
	return tree(e, later), cut, nil
}

// tree hangs the events of a chain below those that led to them, and returns
// the part from e on.
func tree(e Entry, chain []*Link) *Link {
	slices.SortStableFunc(chain, func(a, b *Link) int { return cmp.Compare(a.ID.Ms, b.ID.Ms) })
	root := &Link{Entry: e}
	links := map[string]*Link{e.Event.ID: root}
	var rest []*Link
	for _, l := range chain {
		if links[l.Event.ID] == nil { // what was published twice hangs there once
			links[l.Event.ID] = l
			rest = append(rest, l)
		}
	}
	for _, l := range rest {
		if cause := links[l.Event.CausationID]; cause != nil {
			cause.Effects = append(cause.Effects, l)
		}
	}
	return root
}
