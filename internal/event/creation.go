package event

import "time"

// Creation is when something was created: the smallest time that an event gives,
// or as long as none gives one, the smallest time of an entry. The order in which
// events are seen does not matter, so that an owner and its readers agree.
type Creation struct {
	At    time.Time `json:"at"`
	Given bool      `json:"given,omitempty"`
}

// See takes in one more event: the time that it gives, nil if none, and that of its
// entry. What the writer's envelope says is the time of the event, not of what it
// is about.
func (c *Creation) See(given *time.Time, entry time.Time) {
	switch {
	case given != nil && (!c.Given || given.Before(c.At)):
		c.At, c.Given = given.UTC(), true
	case given == nil && !c.Given && (c.At.IsZero() || entry.Before(c.At)):
		c.At = entry.UTC()
	}
}
