package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// foreign publishes posts that somebody else than their owner wrote.
func (r *rig) foreign(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		e := post(r.t, id)
		e.Source = "elsewhere"
		if _, err := r.Publish(r.t.Context(), stream, e); err != nil {
			r.t.Fatal(err)
		}
	}
}

// ofPosts is the subscription of the service that owns the stream.
func ofPosts() bus.Subscription {
	return bus.Subscription{Group: "query", Consumer: "a", Streams: []string{stream, "{comments}:events"}, Own: event.Posts}
}

func TestOwnEntriesAreAcknowledgedAndNotHandled(t *testing.T) {
	onEach(t, func(t *testing.T, r *rig) {
		r.publish(names("own", 20)...)
		r.foreign("foreign")
		// Another's stream has nothing of which the effect is known.
		if _, err := r.Publish(t.Context(), "{comments}:events", post(t, "astray")); err != nil {
			t.Fatal(err)
		}
		seen := newTally()
		r.subscribe(ofPosts(), func(_ context.Context, e bus.Entry) error { seen.add(e); return nil })
		eventually(t, 10*time.Second, "the others are handled", func() bool { return r.count(bus.Handled) == 2 })
		r.settled(5 * time.Second)
		if n := r.count(bus.Own); n != 20 || seen.of("foreign") != 1 || seen.of("astray") != 1 || seen.distinct() != 2 {
			t.Errorf("%d entries were passed over, and these handled: %v", n, seen.times)
		}
	})
}

// The brake, which tries an entry now and then, is not satisfied with entries that
// try nothing, and they do not wait for it.
func TestOwnEntriesAreNoProbe(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.foreign(names("foreign", 20)...)
	r.subscribe(ofPosts(), func(context.Context, bus.Entry) error { return errors.New("bad deploy") })
	eventually(t, 10*time.Second, "the brake is on", func() bool { return r.count(bus.Braked) == 1 })
	r.publish(names("own", 300)...)
	eventually(t, 20*time.Second, "own entries are passed over", func() bool { return r.count(bus.Own) == 300 })
	if n := r.count(bus.Recovered); n > 0 {
		t.Errorf("the brake was released %d times", n)
	}
}
