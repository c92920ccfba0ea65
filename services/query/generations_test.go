package query

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// put appends an entry to its stream under its own id.
func (w *world) put(t *testing.T, e bus.Entry) {
	t.Helper()
	err := w.client.XAdd(t.Context(), &redis.XAddArgs{Stream: e.Stream, ID: e.ID.String(), Values: e.Event.Fields()}).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// begin registers a generation and fills it with the history up to then.
func (w *world) begin(t *testing.T) (number int) {
	t.Helper()
	r, err := w.store.register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	upTo, err := w.store.ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next := view{number: r.Next.Number, epoch: r.Epoch}
	if err := w.store.fill(t.Context(), next, upTo, func(int) {}); err != nil {
		t.Fatal(err)
	}
	return next.number
}

// A generation that is begun at whatever moment ends as the one beside it, and as
// the streams say, while two replicas fold what comes in whatever order.
func TestGenerationsEndEqual(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 4))
	server := bustest.Start(t, "--appendonly", "no")
	reference := newWorld(t, server.Addr(), 0)
	for range 60 {
		replicas := []*world{newWorld(t, server.Addr(), 1), newWorld(t, server.Addr(), 1)}
		rebuilder := newWorld(t, server.Addr(), 1)
		if err := rebuilder.client.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		h := history(random, 40)
		if _, err := reference.fold(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		want, err := reference.generation(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		moment, number := random.IntN(len(h)+1), 0
		for i := 0; i <= len(h); i++ {
			if i == moment {
				wg.Go(func() { number = rebuilder.begin(t) })
			}
			if i == len(h) {
				break
			}
			rebuilder.put(t, h[i])
			w, again := replicas[i%2], random.IntN(4) == 0
			wg.Go(func() {
				for _, at := range []*world{w, replicas[0]} {
					if err := at.store.handle(t.Context(), h[i]); err != nil {
						t.Error(err)
					}
					if !again {
						return
					}
				}
			})
		}
		wg.Wait()
		for _, n := range []int{1, number} {
			got, err := rebuilder.generation(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("generation %d differs from the order of the stream:\n%s", n, diff)
			}
		}
	}
}

// entryOf is an event of its owner about a post.
func entryOf(ms uint64, typ, data string) bus.Entry {
	owner := event.Owner(typ)
	id := bus.ID{Ms: ms, Seq: 1}
	return bus.Entry{Stream: event.Stream(owner), ID: id, Event: event.Event{
		Type: typ, Data: []byte(data), ID: typ + id.String(), Source: owner, Subject: "p", Time: id.Time(),
	}}
}

// A replica that has not heard of a generation cannot leave an event out of it.
func TestAReplicaThatKnowsAnOlderList(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	behind, rebuilder := newWorld(t, server.Addr(), 0), newWorld(t, server.Addr(), 0)
	fold := func(e bus.Entry) {
		t.Helper()
		behind.put(t, e)
		if err := behind.store.handle(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	same := func(a, b int) {
		t.Helper()
		left, err := behind.generation(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		right, err := behind.generation(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(left, right); diff != "" || left == "" {
			t.Fatalf("generation %d is not as %d:\n%s", b, a, diff)
		}
	}
	fold(entryOf(1, event.TypePostCreated, `{"id":"p","title":"one","version":1}`))
	number := rebuilder.begin(t)
	fold(entryOf(2, event.TypePostUpdated, `{"id":"p","title":"two","version":2}`)) // for all it knows there is generation 1
	same(1, number)

	// And of one that is off the list, nothing comes back.
	rebuilder.store.abandon(t.Context(), number)
	if err := rebuilder.store.tidy(t.Context(), func(Step) {}); err != nil {
		t.Fatal(err)
	}
	fold(entryOf(3, event.TypePostUpdated, `{"id":"p","title":"three","version":3}`))
	if left, err := behind.generation(t.Context(), number); err != nil || left != "" {
		t.Errorf("of generation %d there is %q, %v", number, left, err)
	}
}

// Events wait for the release that makes the newest schema version there is.
func TestAnOlderReleaseLeavesEventsAlone(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	older, newer := newWorld(t, server.Addr(), 0), newWorld(t, server.Addr(), 0)
	newer.store.schema = schema + 1
	first := entryOf(1, event.TypePostCreated, `{"id":"p","title":"one","version":1}`)
	second := entryOf(2, event.TypePostUpdated, `{"id":"p","title":"two","version":2}`)
	older.put(t, first)
	if err := older.store.handle(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	number := newer.begin(t)
	older.put(t, second)
	err := older.store.handle(t.Context(), second)
	if err == nil || !strings.Contains(err.Error(), "wait for a newer release") {
		t.Fatalf("the older release says %v", err)
	}
	if err := newer.store.handle(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, number} {
		content, err := newer.generation(t.Context(), n)
		if err != nil || !strings.Contains(content, `"two"`) {
			t.Errorf("generation %d has %s, %v", n, content, err)
		}
	}
}

// A view of an older schema version is made anew, by one of the replicas, while
// the old one is read.
func TestAnOlderViewIsMadeAnew(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	before := newWorld(t, server.Addr(), 0)
	for _, e := range []bus.Entry{
		entryOf(1, event.TypePostCreated, `{"id":"p","title":"one","version":1}`),
		entryOf(2, event.TypeCommentCreated, `{"postId":"p","id":"c","content":"hello","status":"approved","version":1}`),
	} {
		before.put(t, e)
		if err := before.store.handle(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	want, err := before.see(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := before.store.bus.Last(t.Context(), changesStream)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 2 {
		w := newWorld(t, server.Addr(), 0)
		w.store.schema = schema + 1
		k := newKeeper(w.store, slog.New(slog.DiscardHandler))
		wg.Go(func() {
			if err := k.look(t.Context()); err != nil && !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := before.store.peekRegistry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (generation{2, schema + 1}); r.Live != want || r.Next != nil || len(r.Gone) != 0 {
		t.Fatalf("registered are %+v, want generation 2 alone", r)
	}
	keys, err := before.generation(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := before.generation(t.Context(), 1); err != nil || left != "" {
		t.Errorf("of generation 1 is left: %s %v", left, err)
	}
	got, err := before.see(t.Context()) // its keys are those of generation 1, of which there are none
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, keys+got); diff != "" {
		t.Errorf("the view is another:\n%s", diff)
	}
	notices, err := before.store.bus.Range(t.Context(), changesStream, stream, 10)
	if err != nil || len(notices) != 1 || !replacedIn(notices) {
		t.Errorf("the notices are %v, %v; want that the view is another", notices, err)
	}
}

// What the live generation shows, the next one has: if the next cannot be
// written, neither is the live one.
func TestTheNextGenerationIsNeverBehind(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	w := newWorld(t, server.Addr(), 0)
	number := w.begin(t)
	feed := view{number: number}.feed()
	if err := w.client.Set(t.Context(), feed, "in the way", 0).Err(); err != nil {
		t.Fatal(err)
	}
	e := entryOf(1, event.TypePostCreated, `{"id":"p","title":"one","version":1}`)
	if err := w.store.handle(t.Context(), e); err == nil {
		t.Fatal("written in spite of what is in the way")
	}
	if content, err := w.generation(t.Context(), 1); err != nil || content != "" {
		t.Errorf("the live generation is ahead: %s %v", content, err)
	}
	if err := w.client.Del(t.Context(), feed).Err(); err != nil {
		t.Fatal(err)
	}
	if err := w.store.handle(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, number} {
		if content, err := w.generation(t.Context(), n); err != nil || !strings.Contains(content, `"one"`) {
			t.Errorf("generation %d has %s, %v", n, content, err)
		}
	}
}

// Clients of the stream read their pages anew after a swap, those that were there
// and those that come again: there may be no notice of what became different.
func TestASwapHasClientsReadAnew(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	r.post(bus.ID{Ms: 1}, "p", "one", 1)
	bustest.Eventually(t, 10*time.Second, "the hub has heard of the post", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return !r.hub.at.IsZero()
	})
	there := r.listen("")
	there.want(eventHello)
	r.post(bus.ID{Ms: 2}, "p", "two", 2)
	there.want(eventPost)
	away := there.last
	if _, err := r.store.rebuild(t.Context(), time.Minute, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	there.want(eventResync)
	r.listen(away).want(eventResync)
	if status, body := r.get("/posts"); status != 200 || body != "[]\n" { // of no event is anything in the streams
		t.Errorf("the page is %d %s", status, body)
	}
}

// The client sends a command again whose answer was lost: what has been done
// already is not taken for somebody else's.
func TestAChangeOfTheListWhoseAnswerIsLost(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	proxy := bustest.NewProxy(t, server.Addr())
	w := newWorld(t, proxy.Addr(), 0)
	if _, err := w.store.loadRegistry(t.Context()); err != nil { // Redis knows the script then
		t.Fatal(err)
	}
	proxy.SwallowReply(`"next":{"gen":2`, 1)
	r, err := w.store.register(t.Context())
	if err != nil || proxy.Lost() != 1 {
		t.Fatalf("%d answers were lost, and it says %v", proxy.Lost(), err)
	}
	if now, err := w.store.peekRegistry(t.Context()); err != nil || now.Epoch != r.Epoch || now.Next == nil || now.Last != 2 {
		t.Errorf("registered are %+v, %v", now, err)
	}
}
