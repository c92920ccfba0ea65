// Package eventbus is the door to the streams for everything that does not speak
// Redis: services in any language publish and read events over HTTP, or have
// them pushed, and operators look inside.
//
// In: events over HTTP (http.go, publish.go), and every stream of events. Out:
// each event that came in, on the stream of its type's owner; all streams as one
// (http.go, stream.go), in the order of [bus.Merge]; the same, event by event, to
// each of the SUBSCRIBERS (push.go); and the dead letters of all groups (dead.go).
// It reads by no consumer group: how far a subscriber has come is kept in its
// own keys.
//
// Keys, besides what it appends and the ids of what it has published:
//
//	{eventbus}:subscribers               names of all subscribers there ever were (set)
//	{eventbus}:push:<name>               a subscriber's address and place (hash)
//	{eventbus}:push:<name>:holder        the replica that pushes to it, with a TTL
//	{eventbus}:push:<name>:dead, …:order what it has refused, see [bus.DeadID]
//	{eventbus}:push:<name>:redrive       what is to be sent to it again
package eventbus

import "newsfeed/internal/event"

// Port is where the service listens if it is not told otherwise.
const Port = 5005

// streams are all that carry events. The first leads the order: nothing comes
// before the post that it is about.
func streams() []string {
	return []string{
		event.Stream(event.Posts), event.Stream(event.Comments),
		event.Stream(event.Moderator), event.Stream(event.EventBus),
	}
}
