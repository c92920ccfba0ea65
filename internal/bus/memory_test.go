package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// fill has percent of the memory of the rig's Redis used, and waits until the rig
// knows.
func (r *rig) fill(percent int) {
	r.t.Helper()
	if err := bustest.Fill(r.t.Context(), r.client, percent); err != nil {
		r.t.Fatal(err)
	}
	// A reading is at most a second old.
	eventually(r.t, 10*time.Second, "the memory is read", func() bool {
		_, err := r.Commit(r.t.Context(), bus.Change{Key: "{posts}:probe:" + post(r.t, "p").ID, Doc: []byte("{}"), Priority: bus.NewText})
		return bus.Full(err) == (percent >= 90) && (err == nil || bus.Full(err))
	})
}

func TestCommit_MemoryScarce_ByPriority(t *testing.T) {
	r := newRig(t, bustest.Start(t, "--appendonly", "no").Addr())
	type accepted struct{ text, ordinary, essential bool }
	for _, level := range []struct {
		percent int
		want    accepted
	}{
		{89, accepted{true, true, true}},
		{91, accepted{false, true, true}},
		{102, accepted{false, false, true}},
		{1000, accepted{}}, // more than 64 MiB above the limit
		{50, accepted{true, true, true}},
	} {
		r.fill(level.percent)
		commit := func(p bus.Priority) bool {
			e := post(t, "a")
			_, err := r.Commit(t.Context(), bus.Change{
				Key: "{posts}:doc:" + e.ID, Doc: []byte("{}"), Stream: stream, Event: e, Priority: p,
				Index: []bus.Index{{Verb: bus.ZAdd, Key: "{posts}:ids", Member: bus.TimeKey(now, e.ID)}},
			})
			if err != nil && (!bus.Full(err) || !bus.Unavailable(err)) {
				t.Errorf("at %d %%, priority %d: %v", level.percent, p, err)
			}
			return err == nil
		}
		bustest.Settles(t, 10*time.Second, fmt.Sprintf("at %d %%", level.percent), func() string {
			if got := (accepted{commit(bus.NewText), commit(bus.Ordinary), commit(bus.Essential)}); got != level.want {
				return fmt.Sprintf("accepted %+v, want %+v", got, level.want)
			}
			return ""
		})
	}
	if n := r.TextsRefused(); n < 3 {
		t.Errorf("%d texts counted as refused", n)
	}
}

// Changes of all priorities share calls, and a call that Redis refuses loses nothing.
func TestCommit_RedisFull_BatchIsSplit(t *testing.T) {
	r := newRig(t, bustest.Start(t, "--appendonly", "no").Addr())
	r.fill(102)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			c := bus.Change{Key: fmt.Sprintf("{posts}:doc:%d", i), Doc: []byte("{}"), Stream: stream, Event: post(t, "a")}
			if i%2 == 1 {
				c.Priority = bus.Ordinary
			}
			id, err := r.Commit(t.Context(), c)
			if c.Priority == bus.Ordinary && !bus.Full(err) {
				t.Errorf("ordinary: %v", err)
			}
			if c.Priority == bus.Essential && (err != nil || id.IsZero()) {
				t.Errorf("essential: %v, %v", id, err)
			}
		})
	}
	all.Wait()
	if n := r.client.XLen(t.Context(), stream).Val(); n != 100 {
		t.Errorf("%d entries, want 100", n)
	}
}

// A reply lost under a full Redis is found again like any other.
func TestCommit_RedisFull_RepetitionIsRecognised(t *testing.T) {
	r := newRig(t, bustest.Start(t, "--appendonly", "no").Addr())
	r.fill(102)
	c := bus.Change{Key: "{posts}:doc:a", Doc: []byte("{}"), Stream: stream, Event: post(t, "a")}
	first, err := r.Commit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Commit(t.Context(), c); err != nil || again != first {
		t.Errorf("%v, %v, want %v", again, err, first)
	}
}

// Between two readings of the memory a process admits at most one percent of new text.
func TestCommit_NewText_BoundedBetweenReadings(t *testing.T) {
	r := newRig(t, bustest.Start(t, "--appendonly", "no").Addr())
	const max, texts = 50 << 20, 20
	if err := r.client.ConfigSet(t.Context(), "maxmemory", fmt.Sprint(max)).Err(); err != nil {
		t.Fatal(err)
	}
	readings := func() int {
		var calls int
		for line := range strings.Lines(r.client.Info(t.Context(), "commandstats").Val()) {
			_, _ = fmt.Sscanf(line, "cmdstat_info:calls=%d", &calls)
		}
		return calls
	}
	before := readings()
	doc := []byte(`{"a":"` + strings.Repeat("x", max*6/1000) + `"}`) // 0.6 %: two do not fit
	for i := range texts {
		_, err := r.Commit(t.Context(), bus.Change{Key: fmt.Sprintf("{posts}:doc:%d", i), Doc: doc, Priority: bus.NewText})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := readings() - before - 1; n < texts {
		t.Errorf("%d readings for %d texts", n, texts)
	}
	// One that is larger than the bound is admitted alone.
	huge := []byte(`{"a":"` + string(bytes.Repeat([]byte("x"), max/50)) + `"}`)
	if _, err := r.Commit(t.Context(), bus.Change{Key: "{posts}:doc:huge", Doc: huge, Priority: bus.NewText}); err != nil {
		t.Error(err)
	}
}

func TestCommit_NoMaxmemory_NoReserve(t *testing.T) {
	for name, r := range map[string]*rig{"redis": newRig(t, bustest.Start(t, "--appendonly", "no").Addr()), "memory": mini(t)} {
		_, err := r.Commit(t.Context(), bus.Change{Key: "{posts}:doc:a", Doc: []byte("{}"), Priority: bus.NewText})
		if err != nil || r.Memory().Share() != 0 {
			t.Errorf("%s: %v, share %v", name, err, r.Memory().Share())
		}
	}
}

// What a group needs beside the changes of its handler goes on when Redis is full: it is
// made, its consumer gets a name and a sign of life, takes over, gives up, is paused;
// its dead letters are sent back and dropped.
func TestConsume_RedisFull_GoesOn(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newRigTuned(t, redis.NewClient(&redis.Options{Addr: server.Addr()}),
		bus.Options{Sweep: 50 * time.Millisecond, Retry: bus.RetryPolicy{Attempts: 1}})
	ctx := t.Context()
	for _, id := range []string{"a", "b", "c"} {
		r.publish(id)
	}
	r.fill(102)
	seen := newTally()
	r.consume("one", func(_ context.Context, e bus.Entry) error {
		if seen.add(e) == 1 && e.Event.Subject != "c" {
			return errors.New("not the first time")
		}
		return nil
	})
	eventually(t, 20*time.Second, "two are given up", func() bool { return len(r.dead()) == 2 && seen.of("c") == 1 })
	if n := r.client.Exists(ctx, "{posts}:alive:query:one").Val(); n != 1 {
		t.Error("no sign of life")
	}
	letters := r.dead()
	if err := r.Drop(ctx, letters[0].DeadID); err != nil {
		t.Errorf("drop: %v", err)
	}
	if err := r.Redrive(ctx, letters[1].DeadID); err != nil {
		t.Errorf("redrive: %v", err)
	}
	eventually(t, 20*time.Second, "the other is handled", func() bool { return seen.of(letters[1].Fields["subject"]) == 2 })
	if _, err := r.Pause(ctx, "query", "full"); err != nil {
		t.Errorf("pause: %v", err)
	}
	if _, err := r.Secret(ctx, "{posts}:key"); err != nil {
		t.Errorf("secret: %v", err)
	}
}
