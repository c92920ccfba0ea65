package main

import (
	"slices"
	"time"

	"newsfeed/internal/bus"
)

const (
	// holdFor is how long an effect waits for its cause. Streams are read side by
	// side, so it may be here first; if the cause lies before the time at which
	// tail began, it never comes.
	holdFor = 100 * time.Millisecond
	// holdMost bounds the effects that wait.
	holdMost = 1000
)

// order lets entries through, an effect behind its cause.
type order struct {
	knows func(id string) bool // whether that event has been drawn
	held  []heldEntry          // oldest first
}

type heldEntry struct {
	entry bus.Entry
	until time.Time
}

// take returns what can be drawn now that e is here: e and the effects that
// waited for it, or nothing if e itself has to wait.
func (o *order) take(e bus.Entry, now time.Time) []bus.Entry {
	if cause := e.Event.CausationID; cause == "" || o.knows(cause) {
		return o.release(e)
	}
	o.held = append(o.held, heldEntry{e, now.Add(holdFor)})
	if len(o.held) > holdMost {
		return o.pop()
	}
	return nil
}

// due returns the effects that have waited long enough.
func (o *order) due(now time.Time) []bus.Entry {
	var out []bus.Entry
	for len(o.held) > 0 && !o.held[0].until.After(now) {
		out = append(out, o.pop()...)
	}
	return out
}

// rest returns all that still wait.
func (o *order) rest() []bus.Entry {
	var out []bus.Entry
	for len(o.held) > 0 {
		out = append(out, o.pop()...)
	}
	return out
}

// pop releases the oldest that waits, or, if that waits for one that waits
// itself, the first of that chain.
func (o *order) pop() []bus.Entry {
	first := 0
	for range o.held { // so that a circle ends
		cause := slices.IndexFunc(o.held, func(h heldEntry) bool {
			return h.entry.Event.ID == o.held[first].entry.Event.CausationID
		})
		if cause < 0 {
			break
		}
		first = cause
	}
	e := o.held[first].entry
	o.held = slices.Delete(o.held, first, first+1)
	return o.release(e)
}

// release returns e and, behind it, what waited for it.
func (o *order) release(e bus.Entry) []bus.Entry {
	var effects, others []heldEntry
	for _, h := range o.held {
		if h.entry.Event.CausationID == e.Event.ID {
			effects = append(effects, h)
		} else {
			others = append(others, h)
		}
	}
	o.held = others
	out := []bus.Entry{e}
	for _, h := range effects {
		out = append(out, o.release(h.entry)...)
	}
	return out
}
