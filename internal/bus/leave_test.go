package bus_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// consumers returns the names in the group on both of its streams.
func (r *rig) consumers() []string {
	r.t.Helper()
	var all []string
	for _, s := range []string{stream, bus.RedriveStream("query")} {
		infos, err := r.client.XInfoConsumers(r.t.Context(), s, "query").Result()
		if err != nil && !strings.Contains(err.Error(), "no such key") && !strings.HasPrefix(err.Error(), "NOGROUP") {
			r.t.Fatal(err)
		}
		for _, info := range infos {
			all = append(all, s+" "+info.Name)
		}
	}
	slices.Sort(all)
	return all
}

// A replica that stops takes its name with it, so that names made for one life
// only, such as those of pods, do not gather.
func TestWhoStopsLeavesNoName(t *testing.T) {
	for name, r := range map[string]*rig{"redis": newRig(t, bustest.Start(t).Addr()), "memory": mini(t)} {
		t.Run(name, func(t *testing.T) {
			seen := newTally()
			stopFirst, stopSecond := r.consume("pod-1", count(seen)), r.consume("pod-2", count(seen))
			in := func(who string) bool { return slices.Contains(r.consumers(), stream+" "+who) }
			n := 0
			eventually(t, 10*time.Second, "both are known", func() bool {
				r.publish(fmt.Sprint("p", n)) // Redis enters a name when it gives it an entry
				n++
				return in("pod-1") && in("pod-2")
			})
			eventually(t, 10*time.Second, "all handled", func() bool { return seen.distinct() == n })
			stopFirst()
			if in("pod-1") || !in("pod-2") {
				t.Errorf("after the first has stopped: %q", r.consumers())
			}
			stopSecond()
			if got := r.consumers(); len(got) != 0 {
				t.Errorf("after both have stopped: %q", got)
			}
		})
	}
}

// Nor does it strand what it has read last: stopping in the middle of traffic
// leaves nothing pending.
func TestStoppingInTrafficLeavesNothing(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	traffic, end := context.WithCancel(t.Context())
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for i := 0; traffic.Err() == nil; i++ {
			if _, err := r.Publish(traffic, stream, post(t, fmt.Sprint("p", i))); err != nil && traffic.Err() == nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	defer publisher.Wait()
	defer end()
	for i := range 5 {
		name, seen := fmt.Sprint("pod-", i), newTally()
		stop := r.consume(name, count(seen))
		eventually(t, 10*time.Second, name+" has work", func() bool { return seen.distinct() > 20 })
		stop()
		if n := len(r.pendingOf(name)); n != 0 || len(r.consumers()) != 0 {
			t.Errorf("%s leaves %d entries pending, consumers %q", name, n, r.consumers())
		}
	}
}

// What a replica could not finish stays under its name: taking the name away
// would lose it. Who inherits the entries removes the name once it is old.
func TestWhoLeavesWorkKeepsItsName(t *testing.T) {
	addr := bustest.Start(t).Addr()
	r := newRigTuned(t, redis.NewClient(&redis.Options{Addr: addr}), bus.Options{Drain: 100 * time.Millisecond})
	begun := make(chan struct{})
	stop := r.consume("gone", func(ctx context.Context, _ bus.Entry) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	r.publish("p")
	<-begun
	stop()
	if n := len(r.pendingOf("gone")); n != 1 {
		t.Fatalf("%d entries are pending under the name of who has stopped, want 1; consumers %q", n, r.consumers())
	}
	heir := newRigTuned(t, redis.NewClient(&redis.Options{Addr: addr}),
		bus.Options{Sweep: 50 * time.Millisecond, Alive: 300 * time.Millisecond, Retire: time.Second})
	seen := newTally()
	heir.consume("heir", count(seen))
	eventually(t, 10*time.Second, "the heir has done what was left", func() bool { return seen.of("p") == 1 })
	eventually(t, 10*time.Second, "the old name is gone", func() bool {
		return !slices.Contains(heir.consumers(), stream+" gone")
	})
}
