package bus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

func TestCommitWritesAllOrNothing(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	change := bus.Change{
		Key: "{posts}:doc:a", Doc: []byte(`{"version":1}`), Stream: stream, Event: post(t, "a"),
		Index: []bus.Index{{Verb: bus.ZAdd, Key: "{posts}:ids", Member: bus.TimeKey(now, "a")}},
	}
	id, err := r.Commit(ctx, change)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := r.Load(ctx, "{posts}:doc:a", "")
	if err != nil {
		t.Fatal(err)
	}
	if string(doc.JSON) != `{"version":1}` || doc.Event != change.Event.ID || doc.Entry != id {
		t.Errorf("got document %s of event %s at %s, want that of %s at %s", doc.JSON, doc.Event, doc.Entry, change.Event.ID, id)
	}

	again, err := r.Commit(ctx, change)
	if err != nil || again != id {
		t.Errorf("the same change again: got %s, %v, want %s", again, err, id)
	}

	other := change
	other.Event = post(t, "a")
	_, err = r.Commit(ctx, other)
	conflict, ok := errors.AsType[*bus.ConflictError](err)
	if !ok || string(conflict.Now.JSON) != `{"version":1}` {
		t.Fatalf("another change that wants no document: got %v, want a conflict with what is there", err)
	}

	other.Want, other.Doc = conflict.Now, []byte(`{"version":2}`)
	other.Guard = []bus.Guard{{Key: "{posts}:gone", Member: "a", Absent: true}, {Key: "{posts}:known", Member: "a"}}
	if _, err = r.Commit(ctx, other); !errors.Is(err, bus.ErrGuard) {
		t.Errorf("guard: got %v", err)
	}
	r.client.SAdd(ctx, "{posts}:known", "a")
	if _, err = r.Commit(ctx, other); err != nil {
		t.Errorf("guard that holds: got %v", err)
	}
	if n := r.client.XLen(ctx, stream).Val(); n != 2 {
		t.Errorf("got %d entries, want 2", n)
	}
	ids, last, err := r.Walk(ctx, "{posts}:ids", true, bus.Member{}, 10)
	if diff := cmp.Diff([]string{"a"}, ids); err != nil || diff != "" || last != (bus.Member{}) {
		t.Errorf("index: %v, more behind %v: %s", err, last, diff)
	}
}

// A once lets the first of two changes through, and tells the second of it.
func TestCommitOnce(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	change := func(id, value string) bus.Change {
		return bus.Change{
			Key: "{posts}:doc:" + id, Doc: []byte(`{}`), Stream: stream, Event: post(t, id),
			Once: &bus.Once{Key: "{posts}:idem:k", Value: value, TTL: time.Hour},
		}
	}
	first := change("a", "of a")
	id, err := r.Commit(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Commit(ctx, change("b", "of b"))
	if seen, ok := errors.AsType[*bus.SeenError](err); !ok || seen.Value != "of a" {
		t.Errorf("another change under the same key: got %v, want what the first left", err)
	}
	if again, err := r.Commit(ctx, first); err != nil || again != id {
		t.Errorf("the same change again: got %s, %v, want %s as a repetition", again, err, id)
	}
	if doc, err := r.Load(ctx, "{posts}:doc:b", ""); err != nil || doc.Exists() {
		t.Errorf("the second change was written: %s, %v", doc.JSON, err)
	}
	if n := r.client.XLen(ctx, stream).Val(); n != 1 {
		t.Errorf("got %d entries, want 1", n)
	}
	if ttl := r.client.TTL(ctx, "{posts}:idem:k").Val(); ttl <= 0 || ttl > time.Hour {
		t.Errorf("the mark stays for %s, want an hour", ttl)
	}
	if err := r.client.Del(ctx, "{posts}:idem:k").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(ctx, change("b", "of b")); err != nil {
		t.Errorf("once the mark is gone: %v", err)
	}
}

// A note goes with its change, or not at all, and its stream stays short.
func TestCommitNote(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	commit := func(doc string, want bus.Doc) error {
		_, err := r.Commit(ctx, bus.Change{
			Key: "{query}:doc", Doc: []byte(doc), Want: want,
			Note: &bus.Note{Stream: "{query}:changes", MaxLen: 100, Fields: []string{"kind", "post", "doc", doc}},
		})
		return err
	}
	if err := commit(`{"n":0}`, bus.Doc{}); err != nil {
		t.Fatal(err)
	}
	if err := commit(`{"n":9}`, bus.Doc{}); !errors.Is(err, bus.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	got := r.client.XRange(ctx, "{query}:changes", "-", "+").Val()
	if len(got) != 1 || got[0].Values["kind"] != "post" || got[0].Values["doc"] != `{"n":0}` {
		t.Errorf("got notes %v, want the one of the change that was made", got)
	}
	for i := range 500 {
		doc, err := r.Load(ctx, "{query}:doc", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := commit(fmt.Sprintf(`{"n":%d}`, i+1), doc); err != nil {
			t.Fatal(err)
		}
	}
	// Redis trims by whole nodes, of 100 entries by default.
	if n := r.client.XLen(ctx, "{query}:changes").Val(); n < 100 || n > 200 {
		t.Errorf("the notes are %d, want about 100", n)
	}
}

// Whatever a change consists of, the script finds each part of it, and the next
// change behind it.
func TestCommitFindsEveryPart(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	r.client.SAdd(ctx, "{posts}:in", "m")
	adopted := bus.Entry{Stream: stream, ID: bus.ID{Ms: 7}, Event: post(t, "adopted")}
	rapid.Check(t, func(rt *rapid.T) {
		r.client.Del(ctx, stream, "{posts}:notes", "{posts}:z", "{posts}:s")
		n := rapid.IntRange(1, 12).Draw(rt, "changes")
		var wg sync.WaitGroup
		want := map[string]int64{}
		errs := make([]error, n)
		for i := range n {
			id := rapid.StringMatching(`[a-z]{20}`).Draw(rt, "id")
			c := bus.Change{Key: "{posts}:doc:" + id, Doc: []byte(`{"id":"` + id + `"}`)}
			if rapid.Bool().Draw(rt, "field") {
				c.Field = id
			} else if rapid.Bool().Draw(rt, "ttl") {
				c.TTL = time.Hour
			}
			switch rapid.IntRange(0, 2).Draw(rt, "event") {
			case 1:
				c.Stream, c.Event = stream, post(t, id)
				if rapid.Bool().Draw(rt, "trace") {
					c.Event.TraceParent = "00-trace"
				}
				want[stream]++
			case 2:
				c.Adopted = adopted
			}
			if rapid.Bool().Draw(rt, "once") {
				c.Once = &bus.Once{Key: "{posts}:once:" + id, Value: id, TTL: time.Hour}
			}
			if rapid.Bool().Draw(rt, "note") {
				c.Note = &bus.Note{Stream: "{posts}:notes", MaxLen: 1000, Fields: []string{"id", id}}
				want["{posts}:notes"]++
			}
			for j := range rapid.IntRange(0, 3).Draw(rt, "indexes") {
				c.Index = append(c.Index,
					bus.Index{Verb: bus.ZAdd, Key: "{posts}:z", Member: fmt.Sprint(id, j)},
					bus.Index{Verb: bus.SAdd, Key: "{posts}:s", Member: fmt.Sprint(id, j)})
				want["{posts}:z"]++
			}
			for range rapid.IntRange(0, 2).Draw(rt, "guards") {
				c.Guard = append(c.Guard, bus.Guard{Key: "{posts}:in", Member: "m"}, bus.Guard{Key: "{posts}:in", Member: "x", Absent: true})
			}
			wg.Go(func() {
				if _, errs[i] = r.Commit(ctx, c); errs[i] != nil {
					return
				}
				doc, err := r.Load(ctx, c.Key, c.Field)
				name := c.Event.ID
				if c.Adopted.Stream != "" {
					name = stream + "/7-0"
				}
				if err != nil || !cmp.Equal(doc.JSON, c.Doc) || doc.Event != name {
					errs[i] = fmt.Errorf("got document %s of event %q, %w", doc.JSON, doc.Event, err)
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			rt.Fatal(err)
		}
		got := map[string]int64{
			stream: r.client.XLen(ctx, stream).Val(), "{posts}:notes": r.client.XLen(ctx, "{posts}:notes").Val(),
			"{posts}:z": r.client.ZCard(ctx, "{posts}:z").Val(),
		}
		maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
		if diff := cmp.Diff(want, got); diff != "" || r.client.SCard(ctx, "{posts}:s").Val() != want["{posts}:z"] {
			rt.Fatalf("written (-want +got):\n%s", diff)
		}
	})
}

// A key of another type is found before anything is written, whichever key it is.
func TestCommitChecksEveryKeyFirst(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	for _, bad := range []string{"doc", "events", "zset", "set", "guard", "once", "notes"} {
		t.Run(bad, func(t *testing.T) {
			tag := "{" + bad + "}"
			if err := r.client.LPush(ctx, tag+":"+bad, "x").Err(); err != nil {
				t.Fatal(err)
			}
			_, err := r.Commit(ctx, bus.Change{
				Key: tag + ":doc", Doc: []byte(`{}`), Stream: tag + ":events", Event: post(t, "a"),
				Index: []bus.Index{{Verb: bus.ZAdd, Key: tag + ":zset", Member: "m"}, {Verb: bus.SAdd, Key: tag + ":set", Member: "m"}},
				Guard: []bus.Guard{{Key: tag + ":guard", Member: "m", Absent: true}},
				Once:  &bus.Once{Key: tag + ":once", Value: "v", TTL: time.Hour},
				Note:  &bus.Note{Stream: tag + ":notes", MaxLen: 10, Fields: []string{"a", "b"}},
			})
			if err == nil || errors.Is(err, bus.ErrConflict) {
				t.Errorf("got %v, want an error about the type", err)
			}
			keys, err := r.client.Keys(ctx, tag+"*").Result()
			if diff := cmp.Diff([]string{tag + ":" + bad}, keys); err != nil || diff != "" {
				t.Errorf("something was written: %v %s", err, diff)
			}
		})
	}
}

// What the script could not write is refused before it is sent, alone or with others.
func TestCommitRefuses(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	for name, c := range map[string]bus.Change{
		"no key":       {Doc: []byte(`{}`)},
		"no object":    {Key: "{posts}:doc", Doc: []byte(`[]`)},
		"tiny TTL":     {Key: "{posts}:doc", Doc: []byte(`{}`), TTL: time.Microsecond, Stream: stream, Event: post(t, "a")},
		"negative TTL": {Key: "{posts}:doc", Doc: []byte(`{}`), TTL: -time.Second},
		"a bound of less than nothing": {
			Key: "{posts}:doc", Doc: []byte(`{}`), Note: &bus.Note{Stream: "{posts}:notes", MaxLen: -1, Fields: []string{"a", "b"}},
		},
	} {
		if _, err := r.Commit(t.Context(), c); err == nil || bus.Unavailable(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if keys := r.client.Keys(t.Context(), "*").Val(); len(keys) > 0 {
		t.Errorf("written: %v", keys)
	}
}

// Concurrent changes share calls, and each gets its own answer.
func TestCommitsTogether(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	const callers = 300
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		e := post(t, fmt.Sprint(i/3)) // three want to create each document
		wg.Go(func() {
			_, errs[i] = r.Commit(ctx, bus.Change{Key: fmt.Sprintf("{posts}:doc:%d", i/3), Doc: []byte(`{}`), Stream: stream, Event: e})
		})
	}
	wg.Wait()
	for doc := range callers / 3 {
		won := 0
		for _, err := range errs[3*doc : 3*doc+3] {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, bus.ErrConflict):
				t.Errorf("document %d: %v", doc, err)
			}
		}
		if won != 1 {
			t.Errorf("document %d was created %d times", doc, won)
		}
	}
	if n := r.client.XLen(ctx, stream).Val(); n != callers/3 {
		t.Errorf("got %d entries, want %d", n, callers/3)
	}
	stats := r.client.InfoMap(ctx, "commandstats").Val()["Commandstats"]["cmdstat_evalsha"]
	var calls int
	if _, err := fmt.Sscanf(stats, "calls=%d,", &calls); err != nil || calls > callers/3 {
		t.Errorf("%d changes took %d calls of the script (%q), want far fewer", callers, calls, stats)
	}
}

// A caller that has gone before its change is sent leaves nothing behind.
func TestCommitOfACallerThatLeft(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Publish(ctx, stream, post(t, "a")); !bus.Unavailable(err) {
		t.Errorf("got %v", err)
	}
	r.publish("b") // in the same line, so behind it
	if n := r.client.XLen(t.Context(), stream).Val(); n != 1 {
		t.Errorf("got %d entries, want that of b alone", n)
	}
}

// queueBehind makes a change that Redis does not answer until it is released, and n
// more, which wait for it.
func (r *rig) queueBehind(n int) (errs []error, release, done func()) {
	r.t.Helper()
	pause := func(args ...any) {
		if err := r.client.Do(r.t.Context(), append([]any{"client"}, args...)...).Err(); err != nil {
			r.t.Error(err)
		}
	}
	pause("pause", time.Minute.Milliseconds(), "write")
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	r.t.Cleanup(cancel)
	errs = make([]error, n+1)
	var wg sync.WaitGroup
	commit := func(i int) {
		wg.Go(func() {
			_, errs[i] = r.Commit(ctx, bus.Change{Key: fmt.Sprintf("{posts}:doc:%d", i), Doc: []byte(`{}`)})
		})
	}
	commit(0)
	bustest.Eventually(r.t, 5*time.Second, "the first is on its way", func() bool { return r.batches() == 1 })
	for i := range n {
		commit(i + 1)
	}
	bustest.Eventually(r.t, 5*time.Second, "the others wait", func() bool { return r.Waiting() == min(n, 4096) })
	return errs, func() { pause("unpause") }, wg.Wait
}

// Close makes the changes that are under way and in line, and takes no more.
func TestCloseSendsWhatWaits(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	errs, release, done := r.queueBehind(10)
	var closing sync.WaitGroup
	closing.Go(r.Close)
	bustest.Eventually(t, 5*time.Second, "it takes no more", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // one in line leaves it again
		defer cancel()
		_, err := r.Publish(ctx, stream, post(t, "late"))
		return errors.Is(err, bus.ErrClosed)
	})
	release()
	closing.Wait()
	done()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("a change that was accepted: %v", err)
	}
	if n := r.client.Exists(t.Context(), "{posts}:doc:0", "{posts}:doc:1", "{posts}:doc:10").Val(); n != 3 {
		t.Errorf("got %d of 3 documents", n)
	}
	if r.batches() != 2 {
		t.Errorf("took %d calls, want one for the first, which was alone, and one for all who waited", r.batches())
	}
}

// The line has an end: who does not fit in hears so, and can try again.
func TestTooManyChangesWait(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	errs, release, done := r.queueBehind(4196)
	release()
	done()
	refused := 0
	for _, err := range errs {
		if bus.Unavailable(err) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused != 100 {
		t.Errorf("%d were refused, want the 100 that did not fit in", refused)
	}
}

// The reply to a write is lost and go-redis repeats the command: still one entry.
func TestLostReplyOfAWrite(t *testing.T) {
	backends := map[string]func(t *testing.T) (*bustest.Proxy, redis.UniversalClient){
		"single": func(t *testing.T) (*bustest.Proxy, redis.UniversalClient) {
			p := bustest.NewProxy(t, bustest.Start(t).Addr())
			c, err := bus.Connect("redis://" + p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			return p, c
		},
		"cluster": func(t *testing.T) (*bustest.Proxy, redis.UniversalClient) {
			return bustest.StartCluster(t)
		},
	}
	for name, start := range backends {
		t.Run(name, func(t *testing.T) {
			p, client := start(t)
			r := newRigOn(t, client)
			if err := client.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			writes := map[string]func() (bus.ID, error){
				"publish": func() (bus.ID, error) { return r.Publish(t.Context(), stream, post(t, "a")) },
				"commit": func() (bus.ID, error) {
					return r.Commit(t.Context(), bus.Change{Key: "{posts}:doc:b", Doc: []byte(`{}`), Stream: stream, Event: post(t, "b")})
				},
			}
			for write, do := range writes {
				before := client.XLen(t.Context(), stream).Val()
				r.publish("warm-" + write) // the script is known, so that the one call does it
				p.SwallowReply("evalsha", 1)
				id, err := do()
				if err != nil {
					t.Fatalf("%s: %v", write, err)
				}
				if p.Lost() != 1 {
					t.Fatalf("%s: %d replies were lost, want 1", write, p.Lost())
				}
				entries := client.XRange(t.Context(), stream, id.String(), "+").Val()
				if n := client.XLen(t.Context(), stream).Val() - before; n != 2 || len(entries) != 1 {
					t.Errorf("%s: got %d new entries (with one to warm up), and %d from the id returned on; want 2 and 1", write, n, len(entries))
				}
			}
		})
	}
}

// A document is as of the latest entry that it has taken in, though that was not
// the last; and an entry is taken for a repetition by its place alone, since its
// writer may have given it an id that is another's.
func TestCommitAdopts(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	first := post(t, "a")
	c := bus.Change{Key: "{posts}:doc:a", Doc: []byte(`{"version":1}`), Adopted: bus.Entry{Stream: stream, ID: bus.ID{Ms: 20}, Event: first}}
	commit := func(doc string) bus.Doc {
		t.Helper()
		c.Doc = []byte(doc)
		if _, err := r.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		d, err := r.Load(t.Context(), c.Key, "")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	was := commit(`{"version":1}`)
	if again := commit(`{"version":2}`); again.Entry != c.Adopted.ID || string(again.JSON) != `{"version":1}` {
		t.Errorf("the same entry again made %s as of %s", again.JSON, again.Entry)
	}
	c.Want, c.Adopted.ID = was, bus.ID{Ms: 10}
	if late := commit(`{"version":2}`); late.Entry != was.Entry || string(late.JSON) != `{"version":2}` {
		t.Errorf("an earlier entry with the same event id made %s as of %s, want version 2 as of %s", late.JSON, late.Entry, was.Entry)
	}
	c.Adopted.Stream = ""
	if _, err := r.Commit(t.Context(), c); err == nil {
		t.Error("an entry without its stream was adopted")
	}
}
