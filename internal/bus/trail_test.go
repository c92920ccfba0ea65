package bus_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// trailing follows the stream in the background, hands on each step, and reads
// on when the step has been taken.
func trailing(t *testing.T, r *rig) <-chan bus.Step {
	t.Helper()
	steps := make(chan bus.Step)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for step, err := range r.Trail(ctx, stream) {
			if err != nil {
				continue
			}
			select {
			case steps <- step:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return steps
}

func nextStep(t *testing.T, steps <-chan bus.Step) bus.Step {
	t.Helper()
	select {
	case s := <-steps:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("no step within 10 s")
		return bus.Step{}
	}
}

// add appends an entry that can be told by n.
func add(t *testing.T, c redis.UniversalClient, id string, n int, maxLen int64) bus.ID {
	t.Helper()
	got, err := c.XAdd(t.Context(), &redis.XAddArgs{
		Stream: stream, ID: id, MaxLen: maxLen, Values: []any{"type", "Test", "data", "{}", "subject", strconv.Itoa(n)},
	}).Result()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := bus.ParseID(got)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func subjects(step bus.Step) []string {
	var s []string
	for _, e := range step.Entries {
		s = append(s, e.Event.Subject)
	}
	return s
}

func TestTrail(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	old := add(t, r.client, "*", 0, 0)
	steps := trailing(t, r)
	if diff := cmp.Diff(bus.Step{Gap: true, At: old}, nextStep(t, steps)); diff != "" {
		t.Fatal(diff)
	}
	var last bus.ID
	for n := 1; n <= 250; n++ {
		last = add(t, r.client, "*", n, 0)
	}
	var got []string
	for len(got) < 250 {
		step := nextStep(t, steps)
		if step.Gap || step.At != step.Entries[len(step.Entries)-1].ID {
			t.Fatalf("step %+v", step)
		}
		got = append(got, subjects(step)...)
		if len(got) == 250 && step.At != last {
			t.Errorf("ends at %s, want %s", step.At, last)
		}
	}
	for i, s := range got {
		if s != strconv.Itoa(i+1) {
			t.Fatalf("entry %d is %s", i+1, s)
		}
	}
}

// Whatever can happen to a stream beneath its reader is told as one gap, and
// what comes after is read.
func TestTrailGaps(t *testing.T) {
	server := bustest.Start(t)
	put := func(p redis.Pipeliner, id string, maxLen int64) {
		p.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, ID: id, MaxLen: maxLen, Values: []any{"type", "Test", "data", "{}"}})
	}
	for _, c := range []struct {
		name string
		do   func(p redis.Pipeliner)
	}{
		{"trimmed", func(p redis.Pipeliner) {
			for range 10 {
				put(p, "*", 2)
			}
		}},
		{"lost", func(p redis.Pipeliner) { p.FlushAll(t.Context()) }},
		{"replaced, ids larger", func(p redis.Pipeliner) { p.FlushAll(t.Context()); put(p, "*", 0) }},
		{"replaced, ids smaller", func(p redis.Pipeliner) { p.FlushAll(t.Context()); put(p, "5-1", 0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, server.Addr())
			r.client.FlushAll(t.Context())
			add(t, r.client, "*", 0, 0)
			steps := trailing(t, r)
			nextStep(t, steps)
			add(t, r.client, "*", 1, 0)
			// The reader waits to hand on entry 1, or has not read it yet.
			if _, err := r.client.TxPipelined(t.Context(), func(p redis.Pipeliner) error { c.do(p); return nil }); err != nil {
				t.Fatal(err)
			}
			step := nextStep(t, steps)
			if len(step.Entries) > 0 {
				if diff := cmp.Diff([]string{"1"}, subjects(step)); diff != "" {
					t.Fatalf("entries that do not follow: %s", diff)
				}
				step = nextStep(t, steps)
			}
			now, err := r.Last(t.Context(), stream)
			if err != nil || !step.Gap || step.At != now {
				t.Fatalf("step %+v, want a gap at %s (%v)", step, now, err)
			}
			id := "*"
			if now.Ms == 5 {
				id = "6-1"
			}
			add(t, r.client, id, 99, 0)
			if diff := cmp.Diff([]string{"99"}, subjects(nextStep(t, steps))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A stream that does not exist yet is followed from its first entry on, and
// Redis going away and coming back is no gap.
func TestTrailFromNothingAndThroughAnOutage(t *testing.T) {
	server := bustest.Start(t)
	r := newRig(t, server.Addr())
	steps := trailing(t, r)
	if diff := cmp.Diff(bus.Step{Gap: true}, nextStep(t, steps)); diff != "" {
		t.Fatal(diff)
	}
	add(t, r.client, "*", 1, 0)
	if diff := cmp.Diff([]string{"1"}, subjects(nextStep(t, steps))); diff != "" {
		t.Fatal(diff)
	}
	server.Kill()
	server.Restart()
	add(t, server.Client(), "*", 2, 0)
	if diff := cmp.Diff([]string{"2"}, subjects(nextStep(t, steps))); diff != "" {
		t.Error(diff)
	}
}

func TestHolds(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	check := func(what string, id bus.ID, want bool) {
		t.Helper()
		got, err := r.Holds(t.Context(), stream, id)
		if err != nil || got != want {
			t.Errorf("%s: Holds(%s) = %v, %v, want %v", what, id, got, err, want)
		}
	}
	check("no stream", bus.ID{}, true)
	check("no stream", bus.ID{Ms: 7}, false)
	first := add(t, r.client, "*", 1, 0)
	second := add(t, r.client, "*", 2, 0)
	check("nothing trimmed", bus.ID{}, true)
	check("nothing trimmed", first, true)
	check("never there", bus.ID{Ms: first.Ms - 1}, false)
	check("not there yet", bus.ID{Ms: second.Ms + 1_000_000}, false)
	add(t, r.client, "*", 3, 2)
	check("trimmed", bus.ID{}, false)
	check("trimmed", first, false)
	check("trimmed", second, true)
}

// Who follows is told that Redis is back, also when nothing has come meanwhile.
func TestTrailSaysThatRedisIsBack(t *testing.T) {
	server := bustest.Start(t)
	proxy := bustest.NewProxy(t, server.Addr())
	r := newRig(t, proxy.Addr())
	at := add(t, server.Client(), "*", 0, 0)
	failed := make(chan struct{}, 100)
	steps := make(chan bus.Step)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for step, err := range r.Trail(ctx, stream) {
			if err != nil {
				failed <- struct{}{}
				continue
			}
			steps <- step
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	if diff := cmp.Diff(bus.Step{Gap: true, At: at}, nextStep(t, steps)); diff != "" {
		t.Fatal(diff)
	}
	proxy.Refuse(true)
	<-failed
	proxy.Refuse(false)
	if diff := cmp.Diff(bus.Step{At: at}, nextStep(t, steps)); diff != "" {
		t.Error(diff)
	}
}
