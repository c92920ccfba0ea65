package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/internal/bus"
)

// An entry that fails for good in the middle of a batch becomes a dead letter
// and holds up no other; sent back, it reaches this group and no other.
func TestDeadLettersAndRedrive(t *testing.T) {
	onEach(t, func(t *testing.T, r *rig) {
		ids := r.publish(append(append(names("p", 20), "poison"), names("q", 20)...)...)
		seen := newTally()
		var mended atomic.Bool
		r.consume("a", func(_ context.Context, e bus.Entry) error {
			seen.add(e)
			if e.Event.Subject == "poison" && !mended.Load() {
				return errors.New("cannot digest")
			}
			return nil
		})
		eventually(t, 5*time.Second, "the others are handled", func() bool { return r.count(bus.Handled) == 40 })
		r.settled(30 * time.Second)
		letters := r.dead()
		if len(letters) != 1 {
			t.Fatalf("got %d dead letters, want 1", len(letters))
		}
		l := letters[0]
		if l.Entry != ids[20] || l.Stream != stream || l.Attempts != 5 || l.Error != "cannot digest" || l.Fields["subject"] != "poison" {
			t.Errorf("got %+v", l)
		}

		others := newTally()
		ctx, cancel := context.WithCancel(t.Context())
		otherDone := make(chan error, 1)
		go func() {
			otherDone <- r.Consume(ctx, bus.Subscription{Group: "comments", Consumer: "x", Streams: []string{stream}},
				func(_ context.Context, e bus.Entry) error { others.add(e); return nil })
		}()
		eventually(t, 10*time.Second, "the other group has all", func() bool { return others.distinct() == 41 })

		mended.Store(true)
		if err := r.Redrive(t.Context(), l.DeadID); err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, "the entry is handled", func() bool { return r.count(bus.Handled) == 41+41 })
		if err := r.Redrive(t.Context(), l.DeadID); !errors.Is(err, bus.ErrNotFound) {
			t.Errorf("redriven twice: %v", err)
		}
		eventually(t, 5*time.Second, "the redrive stream is empty", func() bool {
			return r.client.XLen(t.Context(), "{query}:redrive").Val() == 0
		})
		if seen.of("poison") != 6 || others.of("poison") != 1 {
			t.Errorf("the group met it %d times and the other %d, want 6 and 1", seen.of("poison"), others.of("poison"))
		}
		if n := len(r.dead()); n != 0 {
			t.Errorf("%d dead letters are left", n)
		}
		cancel()
		if err := <-otherDone; err != nil {
			t.Error(err)
		}
	})
}

// What no repetition mends is not repeated: a permanent error, an entry that
// does not decode, one whose data the handler finds malformed.
func TestDeadAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.publish("hopeless")
		for _, fields := range [][]string{
			{"data", `{}`}, {"type", "PostCreated", "data", `{"id":`}, {"no", "fields of ours"},
			{"type", "PostCreated", "data", `{"id":"has no title"}`},
		} {
			r.client.XAdd(ctx, xadd(fields...))
		}
		r.publish("fine")
		var calls atomic.Int32
		seen := newTally()
		r.consume("a", func(_ context.Context, e bus.Entry) error {
			calls.Add(1)
			seen.add(e)
			if _, err := e.Event.Decode(); err != nil {
				return err
			}
			if e.Event.Subject == "hopeless" {
				return bus.Permanent(errors.New("hopeless"))
			}
			return nil
		})
		r.settled(20 * time.Second) // as long as attempts would take
		if got := len(r.dead()); got != 5 {
			t.Fatalf("got %d dead letters, want 5", got)
		}
		if seen.of("hopeless") != 1 || seen.of("fine") != 1 || calls.Load() != 3 {
			t.Errorf("hopeless was tried %d times, fine %d, all together %d; want 1, 1 and, with the one without title, 3",
				seen.of("hopeless"), seen.of("fine"), calls.Load())
		}
		if err := r.Drop(ctx, r.dead()[0].DeadID); err != nil {
			t.Error(err)
		}
		if got := len(r.dead()); got != 4 {
			t.Errorf("got %d dead letters after one was dropped, want 4", got)
		}
	})
}

// The same entry buried again, because its acknowledgement was lost, stays the
// letter that it was.
func TestBuryingAgainChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, r *rig) {
		r.publish("a")
		var times atomic.Int32
		r.consume("a", func(context.Context, bus.Entry) error {
			return bus.Permanent(fmt.Errorf("failure %d", times.Add(1)))
		})
		r.settled(5 * time.Second)
		if err := r.client.XGroupDestroy(t.Context(), stream, "query").Err(); err != nil { // all comes again
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, "it is buried again", func() bool { return r.count(bus.Died) == 2 })
		r.settled(5 * time.Second)
		if dead := r.dead(); len(dead) != 1 || dead[0].Error != "failure 1" {
			t.Errorf("got %+v, want the first letter alone", dead)
		}
	})
}
