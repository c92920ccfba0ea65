package bus_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// Who reads is known before there is anything to read, on every stream and also
// while the group rests; and again after the group, or the name, was taken away.
func TestIsKnownBeforeItsFirstEntry(t *testing.T) {
	want := []string{stream + " a", bus.RedriveStream("query") + " a"}
	slices.Sort(want)
	for name, r := range map[string]*rig{"redis": newRig(t, bustest.Start(t).Addr()), "memory": mini(t)} {
		t.Run(name, func(t *testing.T) {
			if _, err := r.Pause(t.Context(), "query", "not yet"); err != nil {
				t.Fatal(err)
			}
			stop := r.consume("a", count(newTally()))
			known := func(when string) {
				t.Helper()
				eventually(t, 10*time.Second, "known "+when, func() bool { return cmp.Equal(want, r.consumers()) })
			}
			known("while the group rests")
			if err := r.Resume(t.Context(), "query"); err != nil {
				t.Fatal(err)
			}
			known("on empty streams")
			if err := r.client.XGroupDestroy(t.Context(), stream, "query").Err(); err != nil {
				t.Fatal(err)
			}
			known("in the group that was made again")
			if err := r.client.XGroupDelConsumer(t.Context(), stream, "query", "a").Err(); err != nil {
				t.Fatal(err)
			}
			known("under its name again")
			stop()
			if got := r.consumers(); len(got) != 0 {
				t.Errorf("after it has stopped: %q", got)
			}
		})
	}
}

// A user who may not note the name reads what waits there all the same.
func TestReadsWhereItCannotBeKnown(t *testing.T) {
	server := bustest.Start(t)
	r := newRigTuned(t, redis.NewClient(&redis.Options{Addr: server.Addr()}), bus.Options{Sweep: 50 * time.Millisecond})
	r.publish("p")
	for _, s := range []string{stream, bus.RedriveStream("query")} {
		if err := r.client.XGroupCreateMkStream(t.Context(), s, "query", "0").Err(); err != nil {
			t.Fatal(err)
		}
	}
	mayEnter := func(rule string) {
		t.Helper()
		if err := r.client.Do(t.Context(), "ACL", "SETUSER", "default", rule+"xgroup|createconsumer").Err(); err != nil {
			t.Fatal(err)
		}
	}
	mayEnter("-")
	seen := newTally()
	r.consume("a", count(seen))
	eventually(t, 10*time.Second, "it is handled", func() bool { return seen.of("p") == 1 })
	redrive := bus.RedriveStream("query") + " a"
	if slices.Contains(r.consumers(), redrive) {
		t.Errorf("Redis has noted %q: this test shows nothing", r.consumers())
	}
	mayEnter("+")
	eventually(t, 10*time.Second, "known where nothing was to be read", func() bool { return slices.Contains(r.consumers(), redrive) })
}
