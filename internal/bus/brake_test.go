package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// When many different entries fail in a row, most are neither taken nor given
// up, and all are handled once the handler is mended.
func TestTheBrake(t *testing.T) {
	for name, failure := range map[string]error{"error": errors.New("bad deploy"), "permanent": bus.Permanent(errors.New("bad deploy"))} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, bustest.Start(t).Addr())
			r.publish(names("p", 3000)...)
			var mended atomic.Bool
			seen := newTally()
			r.consume("a", func(_ context.Context, e bus.Entry) error {
				seen.add(e)
				if !mended.Load() {
					return failure
				}
				return nil
			})
			eventually(t, 10*time.Second, "the brake is on", func() bool { return r.count(bus.Braked) == 1 })
			met := seen.distinct()
			// Several probes later it has met few more, and buried few.
			eventually(t, 20*time.Second, "some probes", func() bool { return seen.distinct() >= met+2 || seen.of("p0") > 2 })
			if n := len(r.dead()); n >= 10 {
				t.Errorf("%d entries were given up", n)
			}
			if seen.distinct() > 64+20 {
				t.Errorf("%d different entries were tried", seen.distinct())
			}
			mended.Store(true)
			dead := len(r.dead())
			r.settled(30 * time.Second)
			if got := r.count(bus.Handled); got != 3000-dead {
				t.Errorf("handled %d, dead %d, of 3000", got, dead)
			}
		})
	}
}

// While the brake is on, new entries come in one at a time, now and then, and
// only as long as there is room for them.
func TestTheBrakeTakesOneNowAndThen(t *testing.T) {
	for name, room := range map[string]int{"room": 1000, "full": 15} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := bus.Connect(bustest.Start(t).URL())
			if err != nil {
				t.Fatal(err)
			}
			r := newRigTuned(t, client, bus.Options{Batch: 15, InHand: room, Concurrency: 1})
			r.publish(names("p", 300)...)
			var tries atomic.Int32
			r.consume("a", func(context.Context, bus.Entry) error {
				tries.Add(1)
				return errors.New("bad deploy")
			})
			eventually(t, 10*time.Second, "the brake is on", func() bool { return r.count(bus.Braked) == 1 })
			before := len(r.pendingOf("a"))
			eventually(t, 20*time.Second, "five probes", func() bool { return tries.Load() >= 10+5 })
			// One read may have been under way, and two or three of the probes are new.
			if n := len(r.pendingOf("a")); n > room || n > before+15+3 {
				t.Errorf("%d entries are in hand, after %d and with room for %d", n, before, room)
			}
		})
	}
}

// A reader takes no more entries than it may have in hand.
func TestTheEntriesInHandAreBounded(t *testing.T) {
	client, err := bus.Connect(bustest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	r := newRigTuned(t, client, bus.Options{Batch: 15, InHand: 24, Sweep: 200 * time.Millisecond})
	r.publish(names("p", 100)...)
	sweeps := r.countSweeps()
	goOn := make(chan struct{})
	r.consume("a", func(context.Context, bus.Entry) error { <-goOn; return nil })
	eventually(t, 5*time.Second, "it has all that it may", func() bool {
		x, err := r.client.XPending(t.Context(), stream, "query").Result()
		return err == nil && x.Count >= 24
	})
	before := sweeps.Load() // between two of which the reader looks for new entries
	eventually(t, 10*time.Second, "it goes on", func() bool { return sweeps.Load() >= before+3 })
	if n := len(r.pendingOf("a")); n != 24 {
		t.Errorf("%d entries are in hand, want 24", n)
	}
	close(goOn)
	r.settled(10 * time.Second)
}

// Large entries are bounded by their bytes, so that the memory of a process is.
func TestTheBytesInHandAreBounded(t *testing.T) {
	const size, bound = 50_000, 1 << 20
	client, err := bus.Connect(bustest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	r := newRigTuned(t, client, bus.Options{InHandBytes: bound, Sweep: 200 * time.Millisecond})
	large := strings.Repeat("x", size)
	for _, id := range names("p", 100) {
		e := post(t, id)
		e.Data = []byte(`{"id":"` + id + `","title":"` + large + `"}`)
		if _, err := r.Publish(t.Context(), stream, e); err != nil {
			t.Fatal(err)
		}
	}
	goOn := make(chan struct{})
	sweeps := r.countSweeps()
	r.consume("a", func(context.Context, bus.Entry) error { <-goOn; return nil })
	eventually(t, 5*time.Second, "it has looked around", func() bool { return sweeps.Load() >= 5 })
	if n := len(r.pendingOf("a")); n == 0 || n*size > 2*bound {
		t.Errorf("%d entries of %d bytes are in hand, with room for %d bytes", n, size, bound)
	}
	close(goOn)
	r.settled(10 * time.Second)
}

// What fails while the brake is on shows among the outcomes and in the log.
func TestProbesThatFailAreSeen(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.publish(names("p", 100)...)
	r.consume("a", func(context.Context, bus.Entry) error { return errors.New("bad deploy") })
	eventually(t, 10*time.Second, "the brake is on", func() bool { return r.count(bus.Braked) == 1 })
	before := r.count(bus.Retried)
	eventually(t, 20*time.Second, "probes are seen", func() bool { return r.count(bus.Retried) >= before+3 })
}
