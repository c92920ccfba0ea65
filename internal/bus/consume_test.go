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
		<-time.After(time.Millisecond) // work, for another to overlap with
		got = append(got, e.ID.String())
		running.Add(-1)
		return nil
	})
	r.settled(10 * time.Second)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another order (-want +got):\n%s", diff)
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
	eventually(t, 10*time.Second, "all are handled", func() bool { return r.count(bus.Handled) >= 800 })
	if seen.distinct() != 800 || a.distinct()+b.distinct() != 800 {
		t.Errorf("a handled %d, b %d, together %d different; want 800 without overlap", a.distinct(), b.distinct(), seen.distinct())
	}
	if a.distinct() == 0 || b.distinct() == 0 {
		t.Errorf("a handled %d and b %d: not shared", a.distinct(), b.distinct())
	}
	r.settled(10 * time.Second)
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

// A handler that heeds its context and nothing else is cancelled in time; its
// entry counts as not tried, and the next start has it.
func TestStopsInTimeThoughAHandlerHangs(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.publish("hangs")
	started := make(chan struct{})
	stop := r.consume("a", func(ctx context.Context, _ bus.Entry) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	<-started
	begin := time.Now()
	stop()
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("stopping took %s", d)
	}
	if n := r.client.XPending(t.Context(), stream, "query").Val().Count; n != 1 || r.count(bus.Retried) != 0 {
		t.Errorf("%d entries are pending after the stop, %d were to be tried again; want 1 and 0", n, r.count(bus.Retried))
	}
	seen := newTally()
	r.consume("a", count(seen))
	r.settled(5 * time.Second)
	if seen.of("hangs") != 1 {
		t.Errorf("the next start handled it %d times, want 1", seen.of("hangs"))
	}
}

// Redis hangs, which no call of its client notices before its time-out: the stop is
// in time all the same.
func TestStopsInTimeThoughRedisHangs(t *testing.T) {
	server := bustest.Start(t)
	r := newRig(t, server.Addr())
	seen := newTally()
	stop := r.consume("a", count(seen))
	r.publish("p")
	r.settled(5 * time.Second)
	server.Pause()
	defer server.Continue()
	begin := time.Now()
	stop()
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("stopping took %s", d)
	}
}

// A handler that panics has failed with one entry, and the process lives on.
func TestAHandlerThatPanics(t *testing.T) {
	client, err := bus.Connect(bustest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	r := newRigTuned(t, client, bus.Options{Retry: bus.RetryPolicy{First: 10 * time.Millisecond}})
	ids := r.publish("p0", "poison", "p1")
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		if e.Event.Subject == "poison" {
			panic("no such case")
		}
		return nil
	})
	r.settled(10 * time.Second)
	letters := r.dead()
	if len(letters) != 1 || letters[0].Attempts != 5 || !strings.Contains(letters[0].Error, "no such case") || r.count(bus.Handled) != 2 {
		t.Errorf("dead %+v, handled %d; want the poison after 5 attempts with what the panic said, and 2", letters, r.count(bus.Handled))
	}
	if log := r.log.String(); !strings.Contains(log, "id="+ids[1].String()) || !strings.Contains(log, "consume_test.go") {
		t.Error("the log does not say which entry, or where the handler panicked")
	}
}
