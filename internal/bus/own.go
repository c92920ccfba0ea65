package bus

import "newsfeed/internal/event"

// passOver is done with an entry that the subscription's owner wrote, and reports
// whether this is one; see Subscription.Own. Needs c.mu.
func (c *consumer) passOver(t *task) bool {
	if c.own == "" || t.message.Values[event.FieldSource] != c.own {
		return false
	}
	c.done(t.ack)
	c.brake.again()
	typ, _ := t.message.Values[event.FieldType].(string)
	c.observe(Own, Entry{Stream: c.stream, ID: t.ack, Event: event.Event{Type: typ}}, nil)
	return true
}
