package bus_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

const stream = "{posts}:events"

// now is a time that tests need not think about.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rig is a bus with what it reported.
type rig struct {
	*bus.Bus
	t      testing.TB
	client redis.UniversalClient
	log    *bustest.Buffer

	mu       sync.Mutex
	outcomes []bus.Outcome
	calls    int // of the script that commits
}

// newRig makes a bus with the services' options on the Redis at addr.
func newRig(t testing.TB, addr string) *rig {
	t.Helper()
	client, err := bus.Connect("redis://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	return newRigOn(t, client)
}

func newRigOn(t testing.TB, client redis.UniversalClient) *rig {
	return newRigTuned(t, client, bus.Options{})
}

// newRigTuned is for what the services' options would take too long to show.
func newRigTuned(t testing.TB, client redis.UniversalClient, opt bus.Options) *rig {
	t.Helper()
	r := &rig{t: t, client: client, log: &bustest.Buffer{}}
	opt.Log = slog.New(slog.NewTextHandler(r.log, nil))
	opt.Observe = func(o bus.Outcome) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.outcomes = append(r.outcomes, o)
	}
	opt.ObserveBatch = func(int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls++
	}
	r.Bus = bus.New(t.Context(), client, opt)
	t.Cleanup(func() {
		r.Close()
		_ = client.Close()
		if t.Failed() {
			t.Logf("log:\n%s", r.log)
		}
	})
	return r
}

func mini(t testing.TB) *rig {
	t.Helper()
	s := miniredis.RunT(t)
	s.ClockTTL(true)
	return newRig(t, s.Addr())
}

func (r *rig) batches() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

func (r *rig) count(what bus.Happening) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, o := range r.outcomes {
		if o.What == what {
			n++
		}
	}
	return n
}

// consume starts a consumer that the returned function stops, failing the test
// if it does not stop in time. It is stopped with the test at the latest.
func (r *rig) consume(name string, h bus.Handler) (stop func()) {
	r.t.Helper()
	return r.subscribe(bus.Subscription{Group: "query", Consumer: name, Streams: []string{stream}}, h)
}

// subscribe is consume for a subscription of any kind.
func (r *rig) subscribe(s bus.Subscription, h bus.Handler) (stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Consume(ctx, s, h) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					r.t.Errorf("consumer %s: %v", s.Consumer, err)
				}
			case <-time.After(12 * time.Second):
				r.t.Errorf("consumer %s does not stop", s.Consumer)
			}
		})
	}
	r.t.Cleanup(stop)
	return stop
}

// post returns the event of a new post with that id.
func post(t testing.TB, id string) event.Event {
	t.Helper()
	e, err := event.New(event.Posts, event.TypePostCreated, event.Post{ID: id, Title: new("title of " + id)}, now)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// publish appends events of the posts and returns their entry ids.
func (r *rig) publish(ids ...string) []bus.ID {
	r.t.Helper()
	entries := make([]bus.ID, 0, len(ids))
	for _, id := range ids {
		entry, err := r.Publish(r.t.Context(), stream, post(r.t, id))
		if err != nil {
			r.t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return out
}

// tally counts what a handler meets, by subject.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

func newTally() *tally { return &tally{times: map[string]int{}} }

func (c *tally) add(e bus.Entry) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times[e.Event.Subject]++
	return c.times[e.Event.Subject]
}

func (c *tally) of(subject string) int { c.mu.Lock(); defer c.mu.Unlock(); return c.times[subject] }
func (c *tally) distinct() int         { c.mu.Lock(); defer c.mu.Unlock(); return len(c.times) }

// eventually polls until ok holds, or fails the test.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	bustest.Eventually(t, within, what, ok)
}

// settled waits until nothing is pending and everything has been delivered.
func (r *rig) settled(within time.Duration) {
	r.t.Helper()
	eventually(r.t, within, "everything is acknowledged", func() bool {
		last, err := r.Last(context.Background(), stream)
		if err != nil {
			return false
		}
		ok, err := r.Passed(context.Background(), stream, "query", last)
		return err == nil && ok
	})
}

func (r *rig) dead() []bus.DeadLetter {
	r.t.Helper()
	letters, err := r.Dead(context.Background(), bus.DeadQuery{Group: "query"})
	if err != nil {
		r.t.Fatal(err)
	}
	return letters
}
