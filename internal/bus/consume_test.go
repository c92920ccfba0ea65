package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// backends are what the plain cases run on; the faults need a real Redis.
var backends = map[string]func(testing.TB) *rig{
	"redis":     func(t testing.TB) *rig { return newRig(t, bustest.Start(t).Addr()) },
	"miniredis": mini,
}

func onEach(t *testing.T, test func(t *testing.T, r *rig)) {
	for name, start := range backends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func TestHandsOutEveryEntryOnce(t *testing.T) {
	onEach(t, func(t *testing.T, r *rig) {
		r.publish(names("p", 50)...) // before the group exists
		seen := newTally()
		r.consume("a", func(_ context.Context, e bus.Entry) error { seen.add(e); return nil })
		r.publish(names("q", 50)...)
		eventually(t, 10*time.Second, "all are handled", func() bool { return r.count(bus.Handled) == 100 })
		r.settled(5 * time.Second)
		if seen.distinct() != 100 {
			t.Errorf("got %d subjects, want 100", seen.distinct())
		}
	})
}

func TestKeepsTheOrderOfASubject(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	var want []string
	for range 200 {
		want = append(want, r.publish("same")[0].String())
	}
	var got []string // one lane: one handler at a time
	var running atomic.Int32
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		if running.Add(1) > 1 {
			t.Error("two handlers of one subject at once")
		}
		got = append(got, e.ID.String())
		running.Add(-1)
		return nil
	})
	r.settled(10 * time.Second)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTriesAgainAfterAnError(t *testing.T) {
	onEach(t, func(t *testing.T, r *rig) {
		r.publish("a", "b")
		seen := newTally()
		r.consume("a", func(_ context.Context, e bus.Entry) error {
			if seen.add(e) < 3 && e.Event.Subject == "a" {
				return errors.New("not now")
			}
			return nil
		})
		r.settled(10 * time.Second)
		if seen.of("a") != 3 || seen.of("b") != 1 {
			t.Errorf("a was tried %d times and b %d, want 3 and 1", seen.of("a"), seen.of("b"))
		}
		if n := len(r.dead()); n != 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

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
		seen := newTally()
		r.consume("a", func(_ context.Context, e bus.Entry) error {
			seen.add(e)
			if _, err := e.Event.Decode(); err != nil {
				return err
			}
			if e.Event.Subject == "hopeless" {
				return bus.Permanent(errors.New("hopeless"))
			}
			return nil
		})
		r.settled(5 * time.Second)
		if got := len(r.dead()); got != 5 {
			t.Errorf("got %d dead letters, want 5", got)
		}
		if seen.of("hopeless") != 1 || seen.of("fine") != 1 {
			t.Errorf("hopeless was tried %d times, fine %d", seen.of("hopeless"), seen.of("fine"))
		}
		if err := r.Drop(ctx, r.dead()[0].DeadID); err != nil {
			t.Error(err)
		}
		if got := len(r.dead()); got != 4 {
			t.Errorf("got %d dead letters after one was dropped, want 4", got)
		}
	})
}

func TestUnknownTypesAreAcknowledgedAndCounted(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.client.XAdd(t.Context(), xadd("type", "PostLiked", "data", `{"id":"a"}`))
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		_, err := e.Event.Decode()
		return err
	})
	eventually(t, 5*time.Second, "it is counted", func() bool { return r.count(bus.Unknown) == 1 })
	r.settled(5 * time.Second)
	if n := len(r.dead()); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestNotYetIsNoAttempt(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.publish("a")
	seen := newTally()
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		if seen.add(e) <= 8 { // more than the attempts of an error
			return bus.NotYet(errors.New("the other half has not come"))
		}
		return nil
	})
	r.settled(20 * time.Second)
	if n := len(r.dead()); n != 0 || r.count(bus.Deferred) != 8 {
		t.Errorf("got %d dead letters, deferred %d times; want 0 and 8", n, r.count(bus.Deferred))
	}
}

// A lane that waits for its next attempt keeps no other from being handled,
// even when there are more such lanes than handlers at once.
func TestAWaitingLaneHoldsUpNoOther(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.publish(append(names("slow", 100), names("p", 100)...)...)
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		if strings.HasPrefix(e.Event.Subject, "slow") {
			return bus.NotYet(errors.New("waiting"))
		}
		return nil
	})
	eventually(t, 5*time.Second, "the others are handled", func() bool { return r.count(bus.Handled) == 100 })
}

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

func TestTwoReplicasShare(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	seen, a, b := newTally(), newTally(), newTally()
	h := func(mine *tally) bus.Handler {
		return func(_ context.Context, e bus.Entry) error { seen.add(e); mine.add(e); return nil }
	}
	r.consume("a", h(a))
	r.consume("b", h(b))
	for i := range 40 {
		r.publish(names(fmt.Sprintf("p%d-", i), 20)...)
	}
	r.settled(10 * time.Second)
	if seen.distinct() != 800 || a.distinct()+b.distinct() != 800 {
		t.Errorf("a handled %d, b %d, together %d different; want 800 without overlap", a.distinct(), b.distinct(), seen.distinct())
	}
	if a.distinct() == 0 || b.distinct() == 0 {
		t.Errorf("a handled %d and b %d: not shared", a.distinct(), b.distinct())
	}
}

func TestStopsInTimeAndAcknowledgesWhatRan(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.publish("slow", "p1")
	started := make(chan struct{})
	stop := r.consume("a", func(_ context.Context, e bus.Entry) error {
		if e.Event.Subject == "slow" {
			close(started)
			<-time.After(2 * time.Second) // work that takes its time
		}
		return nil
	})
	<-started
	begin := time.Now()
	stop()
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("stopping took %s", d)
	}
	pending := r.client.XPending(t.Context(), stream, "query").Val()
	if pending.Count != 0 {
		t.Errorf("%d entries are pending after the stop", pending.Count)
	}
	if n := r.client.Exists(t.Context(), "{posts}:alive:query:a").Val(); n != 0 {
		t.Error("the sign of life is still there")
	}
}
