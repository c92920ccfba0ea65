package bus_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// many is the size of a backlog in which one entry more or less does not show.
const many = 10_000

// An entry that always fails is given up after its attempts, and meanwhile the
// others go by.
func TestAPoisonAmongMany(t *testing.T) {
	t.Parallel()
	client, err := bus.Connect("redis://" + bustest.Start(t, "--appendfsync", "no").Addr())
	if err != nil {
		t.Fatal(err)
	}
	const interval = 5 * time.Second // longer than a busy machine holds anybody up
	r := newRigTuned(t, client, bus.Options{Retry: bus.RetryPolicy{First: interval, Max: interval}})
	all := names("p", many)
	r.publishTogether(all)
	const poison = "p500"
	seen := newTally()
	var mu sync.Mutex
	var handled []time.Time
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		seen.add(e)
		if e.Event.Subject == poison {
			return errors.New("poison")
		}
		mu.Lock()
		defer mu.Unlock()
		handled = append(handled, time.Now())
		return nil
	})
	r.settled(2 * time.Minute)
	letters := r.dead()
	if len(letters) != 1 || letters[0].Fields["subject"] != poison || letters[0].Attempts != 5 || seen.of(poison) != 5 {
		t.Errorf("dead %+v after %d attempts, want the poison after 5", letters, seen.of(poison))
	}
	if len(handled) != many-1 || seen.distinct() != many {
		t.Errorf("%d of the others were handled, %d of them different; want %d", len(handled), seen.distinct()-1, many-1)
	}
	slices.SortFunc(handled, time.Time.Compare)
	for i, at := range handled[1:] {
		if gap := at.Sub(handled[i]); gap > interval {
			t.Errorf("the others waited for %s after %d of them", gap, i+1)
		}
	}
}

// A release whose handler always fails costs little: it stops by itself after few
// entries, and the next release finds the backlog.
func TestABadDeployAndTheNext(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t, "--appendfsync", "no").Addr())
	r.publishTogether(names("p", many))
	met := newTally()
	stop := r.consume("a", func(_ context.Context, e bus.Entry) error {
		met.add(e)
		return errors.New("bad deploy")
	})
	eventually(t, 20*time.Second, "the brake is on", func() bool { return r.count(bus.Braked) == 1 })
	probed := met.tries()
	eventually(t, 30*time.Second, "it tries one now and then", func() bool { return met.tries() >= probed+4 })
	stop()
	dead := len(r.dead())
	if dead >= 10 || met.distinct() > 64+20 {
		t.Errorf("%d entries were given up and %d met", dead, met.distinct())
	}
	seen := newTally()
	r.consume("a", count(seen))
	r.settled(time.Minute)
	if seen.distinct() != many-dead || len(r.dead()) != dead {
		t.Errorf("the next release handled %d, and %d are dead; want %d in all", seen.distinct(), len(r.dead()), many)
	}
}

// publishTogether publishes events of the posts as quickly as it goes.
func (r *rig) publishTogether(ids []string) {
	r.t.Helper()
	var wg sync.WaitGroup
	for part := range slices.Chunk(ids, (len(ids)+63)/64) {
		wg.Go(func() {
			for _, id := range part {
				if _, err := r.Publish(r.t.Context(), stream, post(r.t, id)); err != nil {
					r.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// tries is how often a handler was called in all.
func (c *tally) tries() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.times {
		n += times
	}
	return n
}
