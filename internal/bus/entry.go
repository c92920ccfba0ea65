package bus

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

// Entry is an event in its place on a stream.
type Entry struct {
	Stream string
	ID     ID
	Event  event.Event
}

// Decode returns what the event carries, as [event.Event.Decode] does. All events on
// one thing are in its owner's stream, which gives them their order; what has
// strayed to another stream is nobody's to believe, and the error is one that
// [Ignore] made. Every reader of the vocabulary decodes with it, so that none
// believes what another ignores.
func (e Entry) Decode() (event.Payload, error) {
	payload, err := e.Event.Decode()
	if err == nil && e.Stream != event.Stream(event.Owner(e.Event.Type)) {
		return nil, Ignore(fmt.Errorf("a %s on %s", e.Event.Type, e.Stream))
	}
	return payload, err
}

// place names the entry for ever, unlike the event's id, which its writer may have
// given to others too.
func (e Entry) place() string { return e.Stream + "/" + e.ID.String() }

// parseEntry reads what Redis returned. The error wraps [event.ErrMalformed];
// Stream and ID are set all the same.
func parseEntry(stream string, m redis.XMessage) (Entry, error) {
	id, err := ParseID(m.ID)
	if err != nil {
		return Entry{Stream: stream}, fmt.Errorf("%w: %w", event.ErrMalformed, err)
	}
	e, err := event.Parse(stream, m.ID, m.Values)
	return Entry{Stream: stream, ID: id, Event: e}, err
}
