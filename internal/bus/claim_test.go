package bus_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// answered is called with every command of a client that Redis has answered,
// before the caller has the answer: the place for what others do in between.
type answered func(cmd redis.Cmder)

func (answered) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a answered) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil {
			a(cmd)
		}
		return err
	}
}

func (answered) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// takenBy leaves entries about the subjects pending under a consumer's name, as
// if it had died over them.
func (r *rig) takenBy(consumer string, subjects ...string) []bus.ID {
	r.t.Helper()
	ids := r.publish(subjects...)
	if err := r.client.XGroupCreate(r.t.Context(), stream, "query", "0").Err(); err != nil {
		r.t.Fatal(err)
	}
	if err := r.client.XReadGroup(r.t.Context(), &redis.XReadGroupArgs{
		Group: "query", Consumer: consumer, Streams: []string{stream, ">"}, Count: int64(len(ids)),
	}).Err(); err != nil {
		r.t.Fatal(err)
	}
	return ids
}

// pendingOf lists what is pending under a consumer's name.
func (r *rig) pendingOf(consumer string) []redis.XPendingExt {
	r.t.Helper()
	pending, err := r.client.XPendingExt(r.t.Context(), &redis.XPendingExtArgs{
		Stream: stream, Group: "query", Consumer: consumer, Start: "-", End: "+", Count: 1000,
	}).Result()
	if err != nil {
		r.t.Fatal(err)
	}
	return pending
}

// Between the look at a dead consumer's entries and the claim much can happen:
// the claim goes by what is then.
func TestTheClaimLooksForItself(t *testing.T) {
	// start runs an heir of what "gone" left until it has tried to have it. between
	// is called once it has seen the entries.
	start := func(t *testing.T, between func(r *rig, ids []bus.ID)) (r *rig, seen *tally) {
		r = newRig(t, bustest.Start(t).Addr())
		ids := r.takenBy("gone", "p0", "p1", "p2", "p3")
		heir := newRig(t, r.client.(*redis.Client).Options().Addr)
		seen = newTally()
		var once, tried atomic.Bool
		heir.client.AddHook(answered(func(cmd redis.Cmder) {
			if !slices.Contains(cmd.Args(), any("gone")) {
				return
			}
			switch cmd.Name() {
			case "xpending":
				if once.CompareAndSwap(false, true) {
					between(r, ids)
				}
			case "eval", "evalsha":
				tried.Store(true)
			}
		}))
		heir.consume("heir", count(seen))
		eventually(t, 20*time.Second, "the heir has tried", tried.Load)
		return r, seen
	}

	t.Run("the owner is back", func(t *testing.T) {
		t.Parallel()
		r, seen := start(t, func(r *rig, _ []bus.ID) {
			r.client.Set(r.t.Context(), "{posts}:alive:query:gone", "x", time.Minute)
		})
		if n := len(r.pendingOf("gone")); n != 4 || seen.distinct() != 0 {
			t.Errorf("the owner has %d of its entries, the heir handled %d; want 4 and 0", n, seen.distinct())
		}
	})
	t.Run("another was quicker", func(t *testing.T) {
		t.Parallel()
		r, seen := start(t, func(r *rig, ids []bus.ID) {
			ctx := r.t.Context()
			r.client.Set(ctx, "{posts}:alive:query:other", "x", time.Minute)
			r.client.XClaim(ctx, &redis.XClaimArgs{Stream: stream, Group: "query", Consumer: "other", Messages: []string{ids[0].String()}})
			r.client.XAck(ctx, stream, "query", ids[1].String())
		})
		eventually(t, 5*time.Second, "the heir has done what is left", func() bool { return len(r.pendingOf("heir")) == 0 && seen.of("p3") > 0 })
		if n := len(r.pendingOf("other")); n != 1 || seen.distinct() != 2 {
			t.Errorf("the other has %d entries, the heir handled %d; want 1 and 2", n, seen.distinct())
		}
	})
}

// countSweeps counts how often the consumers of the rig have looked around.
func (r *rig) countSweeps() *atomic.Int32 {
	var sweeps atomic.Int32
	r.client.AddHook(answered(func(cmd redis.Cmder) {
		if slices.Equal(cmd.Args(), []any{"xinfo", "consumers", stream, "query"}) {
			sweeps.Add(1)
		}
	}))
	return &sweeps
}

// While an entry that was delivered several times without an answer is in hand,
// no other is: if it ends the process, it alone counts one more.
func TestSuspectsAreTakenUpAlone(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ids := r.takenBy("a", "killer", "innocent", "fresh")
	for _, id := range ids[:2] {
		r.client.Do(t.Context(), "XCLAIM", stream, "query", "a", 0, id.String(), "RETRYCOUNT", 4)
	}
	killing, survives := make(chan struct{}), make(chan struct{})
	seen := newTally()
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		if e.Event.Subject == "killer" {
			close(killing)
			<-survives
		}
		seen.add(e)
		return nil
	})
	<-killing
	sweeps := r.countSweeps()
	eventually(t, 10*time.Second, "it looks for more meanwhile", func() bool { return sweeps.Load() >= 2 })
	var counts []int64
	for _, p := range r.pendingOf("a") {
		counts = append(counts, p.RetryCount)
	}
	if !slices.Equal(counts, []int64{5, 4}) {
		t.Errorf("pending entries were delivered %v times, want 5 for the killer, 4 for the innocent, and the fresh one done", counts)
	}
	close(survives)
	r.settled(10 * time.Second)
	if seen.distinct() != 3 {
		t.Errorf("handled %d, want 3", seen.distinct())
	}
}

// There need not be a moment without traffic for suspects to have their turn.
func TestSuspectsHaveTheirTurnUnderLoad(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	left := names("left", 10)
	for _, id := range r.takenBy("a", left...) {
		r.client.Do(t.Context(), "XCLAIM", stream, "query", "a", 0, id.String(), "RETRYCOUNT", 4)
	}
	held := make(chan struct{})
	seen := newTally()
	r.publish("slow") // in hand for as long as the others need
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		if e.Event.Subject == "slow" {
			<-held
		}
		seen.add(e)
		return nil
	})
	defer close(held)
	eventually(t, 20*time.Second, "all that was left is handled", func() bool { return seen.distinct() == len(left) })
}

// A sign of life that is missing once, as everybody's is after Redis was away
// for long, is not taken for death: the living need a moment to sign again.
func TestOneMissingSignIsNotDeath(t *testing.T) {
	server := bustest.Start(t)
	tuned := func() *rig {
		client, err := bus.Connect(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		return newRigTuned(t, client, bus.Options{Alive: 3 * time.Second, Sweep: 800 * time.Millisecond})
	}
	slow, quick := tuned(), tuned()
	began, over := make(chan struct{}), make(chan struct{})
	var slowly, quickly, looks atomic.Int32
	slow.consume("slow", func(context.Context, bus.Entry) error {
		if slowly.Add(1) == 1 {
			close(began)
		}
		<-over
		return nil
	})
	slow.publish("a")
	<-began
	quick.client.AddHook(answered(func(cmd redis.Cmder) {
		if slices.Equal(cmd.Args(), []any{"xinfo", "consumers", stream, "query"}) && looks.Add(1) == 1 {
			slow.client.Del(t.Context(), "{posts}:alive:query:slow")
		}
	}))
	quick.consume("quick", func(context.Context, bus.Entry) error { quickly.Add(1); return nil })
	eventually(t, 20*time.Second, "the quick one has looked several times", func() bool { return looks.Load() == 5 })
	if n := len(quick.pendingOf("slow")); n != 1 || quickly.Load() != 0 {
		t.Errorf("the slow one has %d of its 1 entry, the quick one began %d times; want 1 and 0", n, quickly.Load())
	}
	close(over)
	slow.settled(10 * time.Second)
	if slowly.Load() != 1 || quickly.Load() != 0 {
		t.Errorf("the slow one began %d times, the quick one %d; want 1 and 0", slowly.Load(), quickly.Load())
	}
}
