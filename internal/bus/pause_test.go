package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/internal/bus"
)

// TestPause pauses a group of two replicas while a handler runs and more entries
// of its lane wait in hand.
func TestPause(t *testing.T) {
	onEach(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		seen := newTally()
		running, goOn := make(chan struct{}), make(chan struct{})
		var first atomic.Bool
		handle := func(_ context.Context, e bus.Entry) error {
			if first.CompareAndSwap(false, true) {
				close(running)
				<-goOn
			}
			seen.add(e)
			return nil
		}
		r.publish("p", "p", "p") // one lane
		stopA := r.consume("a", handle)
		<-running
		stopB := r.consume("b", handle)
		if _, err := r.Pause(ctx, "query", "a bad deploy"); err != nil {
			t.Fatal(err)
		}
		again, err := r.Pause(ctx, "query", "another reason")
		if err != nil || again.Reason != "a bad deploy" || time.Since(again.Since) > time.Minute {
			t.Errorf("paused again: %+v, %v, want the first pause", again, err)
		}
		rests := func(times int) func() bool {
			// Each replica reads the stream and what is sent back to the group.
			return func() bool { return strings.Count(r.log.String(), "paused by an operator") == times }
		}
		eventually(t, 15*time.Second, "both replicas rest", rests(4))
		if n := r.count(bus.Paused); n != 4 {
			t.Errorf("%d of 4 readers say that they rest", n)
		}
		close(goOn)
		eventually(t, 5*time.Second, "the handler that ran is acknowledged", func() bool { return pending(t, r) == 2 })
		r.publish("q", "q")

		// Neither ends the pause: not a stop, and not a new process that finds
		// entries pending under its name.
		stopA()
		stopB()
		r.consume("a", handle)
		r.consume("b", handle)
		eventually(t, 15*time.Second, "both rest after a restart", rests(8))
		if seen.of("p") != 1 || seen.of("q") != 0 {
			t.Errorf("handled while paused: %d of p and %d of q, want the one that ran", seen.of("p"), seen.of("q"))
		}
		if n := pending(t, r); n != 2 {
			t.Errorf("%d entries are pending, want the 2 of p: none of q may be taken", n)
		}
		infos, err := r.Streams(ctx, stream)
		if err != nil || infos[0].Groups[0].Paused == nil || infos[0].Groups[0].Paused.Reason != "a bad deploy" {
			t.Errorf("the group is shown as %+v, %v", infos, err)
		}

		if err := r.Resume(ctx, "query"); err != nil {
			t.Fatal(err)
		}
		eventually(t, 20*time.Second, "all are handled", func() bool { return seen.of("p") == 3 && seen.of("q") == 2 })
		r.settled(5 * time.Second)
		if err := r.Resume(ctx, "query"); !errors.Is(err, bus.ErrNotFound) {
			t.Errorf("resumed again: %v, want %v", err, bus.ErrNotFound)
		}
	})
}

// pending is how many entries the group has in hand.
func pending(t *testing.T, r *rig) int64 {
	t.Helper()
	p, err := r.client.XPending(t.Context(), stream, "query").Result()
	if err != nil {
		t.Fatal(err)
	}
	return p.Count
}

// TestPauseHoldsWhatIsInHand resumes the process that was paused, so that what
// it held goes on from its hands.
func TestPauseHoldsWhatIsInHand(t *testing.T) {
	r := mini(t)
	ctx := t.Context()
	running, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	seen := newTally()
	r.publish("p", "p")
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		if first.CompareAndSwap(false, true) {
			close(running)
			<-goOn
		}
		seen.add(e)
		return nil
	})
	<-running
	if _, err := r.Pause(ctx, "query", ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the consumer rests", func() bool {
		return strings.Count(r.log.String(), "paused by an operator") == 2
	})
	close(goOn)
	eventually(t, 5*time.Second, "the first is acknowledged", func() bool { return pending(t, r) == 1 })
	if err := r.Resume(ctx, "query"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "both are handled", func() bool { return seen.of("p") == 2 })
	if strings.Contains(r.log.String(), "took up entries") {
		t.Error("the entries came from another's hands, want them held where they were")
	}
}

// TestPauseByHand takes a key that was set with redis-cli for a pause.
func TestPauseByHand(t *testing.T) {
	r := mini(t)
	if err := r.client.Set(t.Context(), "{query}:paused", "ann, with redis-cli", 0).Err(); err != nil {
		t.Fatal(err)
	}
	p, err := r.PauseOf(t.Context(), "query")
	if err != nil || p == nil || p.Reason != "ann, with redis-cli" {
		t.Errorf("pause is %+v, %v", p, err)
	}
}
