package bus_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

var mergeStreams = []string{"{posts}:events", "{comments}:events", "{moderator}:events", "{eventbus}:events"}

// placed is an entry as the merge's model knows it.
type placed struct {
	Stream  int
	ID      bus.ID
	Time    int // nanoseconds after now
	Subject string
}

func (p placed) String() string { return fmt.Sprintf("%s/%s", mergeStreams[p.Stream], p.ID) }

// add appends p to its stream.
func (p placed) add(ctx context.Context, client redis.UniversalClient) error {
	return client.XAdd(ctx, &redis.XAddArgs{Stream: mergeStreams[p.Stream], ID: p.ID.String(), Values: event.Event{
		Type: "Anything", Data: []byte("{}"), ID: p.String(), Subject: p.Subject, Time: now.Add(time.Duration(p.Time)),
	}.Fields()}).Err()
}

// drawPlaced makes entries in few milliseconds, so that they often share one.
func drawPlaced(t *rapid.T) []placed {
	var all []placed
	for stream := range mergeStreams {
		n := rapid.IntRange(0, 30).Draw(t, "entries")
		last := bus.ID{Ms: 1}
		for range n {
			ms := last.Ms + rapid.Uint64Range(0, 2).Draw(t, "ms")
			if ms > last.Ms {
				last = bus.ID{Ms: ms}
			} else {
				last.Seq++
			}
			all = append(all, placed{
				Stream: stream, ID: last, Time: rapid.IntRange(0, 3).Draw(t, "time"),
				Subject: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "subject"),
			})
		}
	}
	return all
}

// merged is the order as the documentation has it, made in the plainest way.
func merged(all []placed) []string {
	rest := slices.Clone(all)
	var out []string
	for len(rest) > 0 {
		var heads []placed
		for _, p := range rest {
			if !slices.ContainsFunc(heads, func(h placed) bool { return h.Stream == p.Stream }) {
				heads = append(heads, p)
			}
		}
		next := slices.MinFunc(heads, func(a, b placed) int {
			return slices.Compare([]int{int(a.ID.Ms), a.Time, a.Stream}, []int{int(b.ID.Ms), b.Time, b.Stream})
		})
		for _, p := range rest {
			if next.Stream != 0 && p.Stream == 0 && p.ID.Ms == next.ID.Ms && p.Subject == next.Subject && p.Subject != "" {
				next = heads[slices.IndexFunc(heads, func(h placed) bool { return h.Stream == 0 })]
				break
			}
		}
		out = append(out, next.String())
		rest = slices.DeleteFunc(rest, func(p placed) bool { return p == next })
	}
	return out
}

// TestMergeOrder compares the merge with its model, read whole and from the
// middle by another reader.
func TestMergeOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	m := r.Merge(mergeStreams...)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		if err := r.client.FlushAll(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		all := drawPlaced(t)
		for _, p := range all {
			if err := p.add(ctx, r.client); err != nil {
				t.Fatal(err)
			}
		}
		got, at := readMerge(t, m, nil, rapid.IntRange(0, len(all)).Draw(t, "break"))
		rest, _ := readMerge(t, m, at, len(all)+1)
		if diff := cmp.Diff(merged(all), append(got, rest...)); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// readMerge reads up to n entries and returns their ids and the place behind.
func readMerge(t rapid.TB, m *bus.Merge, after map[string]bus.ID, n int) ([]string, map[string]bus.ID) {
	var got []string
	at := map[string]bus.ID{}
	for stream, id := range after {
		at[stream] = id
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for e, err := range m.Read(ctx, after) {
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == n {
			break
		}
		got = append(got, e.Event.ID)
		at[e.Stream] = e.ID
	}
	return got, at
}

// TestMergeManyOfOneMillisecond has one millisecond that is longer than a read
// of the leading stream: its last entry still leads.
func TestMergeManyOfOneMillisecond(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	const n = 1203
	for i := range n {
		p := placed{Stream: 0, ID: bus.ID{Ms: 5, Seq: uint64(i)}, Subject: fmt.Sprint("s", i), Time: 5}
		if err := p.add(t.Context(), r.client); err != nil {
			t.Fatal(err)
		}
	}
	comment := placed{Stream: 1, ID: bus.ID{Ms: 5}, Subject: fmt.Sprint("s", n-1), Time: 0}
	if err := comment.add(t.Context(), r.client); err != nil {
		t.Fatal(err)
	}
	got, _ := readMerge(t, r.Merge(mergeStreams...), nil, n+2)
	if len(got) != n+1 || got[n] != comment.String() {
		t.Errorf("%d entries, the last is %s, want %d and %s", len(got), got[len(got)-1], n+1, comment)
	}
}

// TestMergeLive appends posts and comments while readers
// follow: nothing is missed, and no comment comes before its post.
func TestMergeLive(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t, "--appendfsync", "no").Addr())
	m := r.Merge(mergeStreams...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() { m.Watch(ctx) })
	defer watching.Wait()
	defer cancel()

	const writers, each = 2, 1500 // few, so that the readers keep up with them
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				subject := fmt.Sprintf("p%d-%d", w, i)
				// Both at once, so that they can come between any two reads; and the
				// comment's clock is behind, as that of another machine can be.
				_, err := r.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
					for s, ahead := range []time.Duration{time.Second, 0} {
						p.XAdd(ctx, &redis.XAddArgs{Stream: mergeStreams[s], Values: event.Event{
							Type: "Anything", Data: []byte("{}"), ID: fmt.Sprintf("%s/%d", subject, s), Subject: subject, Time: now.Add(ahead),
						}.Fields()})
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		reading.Go(func() {
			seen := map[string]bool{}
			reader := m.From(nil)
			for len(seen) < 2*writers*each && ctx.Err() == nil {
				e, ok, err := reader.Next(ctx)
				switch {
				case err != nil:
					t.Error(err)
					return
				case !ok:
					reader.Wait(ctx, time.Second)
					continue
				case seen[e.Event.ID]:
					t.Errorf("%s came twice", e.Event.ID)
				}
				seen[e.Event.ID] = true
				if post, isComment := strings.CutSuffix(e.Event.ID, "/1"); isComment && !seen[post+"/0"] {
					t.Errorf("%s came before its post", e.Event.ID)
					return
				}
			}
			if len(seen) != 2*writers*each {
				t.Errorf("saw %d entries, want %d", len(seen), 2*writers*each)
			}
		})
	}
	writing.Wait()
	reading.Wait()
}

// TestMergeSeesWhatWasAnswered reads at once what a publish was answered for.
func TestMergeSeesWhatWasAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	m := r.Merge(mergeStreams...)
	for i := range 100 {
		e := event.Event{Type: "Anything", Data: []byte("{}"), ID: fmt.Sprint("e", i)}
		if _, err := r.Publish(t.Context(), mergeStreams[i%len(mergeStreams)], e); err != nil {
			t.Fatal(err)
		}
		if got, _ := readMerge(t, m, nil, 1000); len(got) != i+1 {
			t.Fatalf("%d entries, want %d", len(got), i+1)
		}
	}
}

// TestMergeWakesAtOnce has a reader wait for far longer than an entry takes.
func TestMergeWakesAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	m := r.Merge(mergeStreams...)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { m.Watch(ctx) })
	reader, ids := m.From(nil), make(chan string)
	running.Go(func() {
		defer close(ids)
		for ctx.Err() == nil {
			e, ok, err := reader.Next(ctx)
			if !ok || err != nil {
				reader.Wait(ctx, time.Hour)
				continue
			}
			ids <- e.Event.ID
		}
	})
	for i := range 20 {
		e := event.Event{Type: "Anything", Data: []byte("{}"), ID: fmt.Sprint("e", i)}
		if _, err := r.Publish(ctx, mergeStreams[i%len(mergeStreams)], e); err != nil {
			t.Fatal(err)
		}
		if got := <-ids; got != e.ID {
			t.Fatalf("got %q, want %s in time", got, e.ID)
		}
	}
}

// TestMergeWaits has nothing to wake up for.
func TestMergeWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	m := r.Merge(mergeStreams...)
	e := event.Event{Type: "Anything", Data: []byte("{}"), ID: "e"}
	reader := m.From(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	var watching sync.WaitGroup
	watching.Go(func() { m.Watch(ctx) })
	defer watching.Wait()
	defer cancel()
	if _, err := r.Publish(ctx, mergeStreams[1], e); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the entry comes", func() bool {
		_, ok, err := reader.Next(ctx)
		return ok && err == nil
	})
	eventually(t, 5*time.Second, "it waits to the end", func() bool {
		const most = 100 * time.Millisecond
		start := time.Now()
		_, ok, err := reader.Next(ctx)
		reader.Wait(ctx, most)
		return !ok && err == nil && time.Since(start) >= most
	})
}

// TestMergeStrangeClocks has ids that no clock has made: they hold up nobody.
func TestMergeStrangeClocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	far := bus.ID{Ms: 1 << 50}
	for _, p := range []placed{{Stream: 0, ID: far}, {Stream: 1, ID: bus.MaxID}, {Stream: 2, ID: bus.ID{Ms: 1}}} {
		if err := p.add(t.Context(), r.client); err != nil {
			t.Fatal(err)
		}
	}
	m := r.Merge(mergeStreams...)
	want := []string{"{moderator}:events/1-0", "{posts}:events/" + far.String(), "{comments}:events/" + bus.MaxID.String()}
	got, at := readMerge(t, m, nil, 10)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	e := event.Event{Type: "Anything", Data: []byte("{}"), ID: "now"}
	if _, err := r.Publish(t.Context(), mergeStreams[3], e); err != nil {
		t.Fatal(err)
	}
	if got, _ = readMerge(t, m, at, 10); len(got) != 1 || got[0] != "now" {
		t.Errorf("behind them comes %v, want what was published now", got)
	}
}

// TestMergeElsewhere reads from miniredis and from a cluster.
func TestMergeElsewhere(t *testing.T) {
	t.Parallel()
	_, cluster := bustest.StartCluster(t)
	for name, r := range map[string]*rig{"miniredis": mini(t), "cluster": newRigOn(t, cluster)} {
		for i, stream := range mergeStreams {
			e := event.Event{Type: "Anything", Data: []byte("{}"), ID: fmt.Sprint("e", i)}
			if _, err := r.Publish(t.Context(), stream, e); err != nil {
				t.Fatal(name, err)
			}
			time.Sleep(2 * time.Millisecond) // so that each has a millisecond of its own
		}
		got, _ := readMerge(t, r.Merge(mergeStreams...), nil, 10)
		if diff := cmp.Diff([]string{"e0", "e1", "e2", "e3"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMergeReadsLargeEntriesInParts has more than fits into one read.
func TestMergeReadsLargeEntriesInParts(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	data := []byte(`{"text":"` + strings.Repeat("x", 250<<10) + `"}`)
	const n = 40
	for i := range n {
		e := event.Event{Type: "Anything", Data: data, ID: fmt.Sprint("e", i)}
		if _, err := r.Publish(t.Context(), mergeStreams[i%2], e); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := readMerge(t, r.Merge(mergeStreams...), nil, n+1); len(got) != n {
		t.Errorf("%d entries, want %d", len(got), n)
	}
}
