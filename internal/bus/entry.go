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
