package query

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// The law: whatever the order in which events come, and however often, the view
// has the same content and HTTP answers with the same bytes.

const (
	dense  = 6     // histories up to this length are tried in every order
	orders = 1_000 // random orders of longer ones, in all
)

// world is a view of its own, in a database of its own of one Redis.
type world struct {
	client *redis.Client
	store  *store
	router *web.Router
}

func newWorld(t *testing.T, addr string, db int) *world {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, DB: db})
	b := bus.New(t.Context(), client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { b.Close(); _ = client.Close() })
	w := &world{client: client, store: newStore(b), router: web.NewRouter(slog.New(slog.DiscardHandler))}
	h := newHub(w.store, slog.New(slog.DiscardHandler))
	api{store: w.store, hub: h, live: newLive(h, nil, nil), feeds: feeds{w.store, h.cache, testURL}}.routes(w.router)
	return w
}

// fold applies the events in that order to an empty view and returns what can be
// seen of it: every key with its content, and every answer.
func (w *world) fold(ctx context.Context, entries []bus.Entry) (string, error) {
	if err := w.client.FlushDB(ctx).Err(); err != nil {
		return "", err
	}
	for _, e := range entries {
		if err := w.store.handle(ctx, e); err != nil {
			return "", err
		}
	}
	return w.see(ctx)
}

func (w *world) see(ctx context.Context) (string, error) {
	var b strings.Builder
	keys, err := w.generation(ctx, 1)
	if err != nil {
		return "", err
	}
	b.WriteString(keys)
	for _, path := range []string{"/posts", "/posts?limit=1", "/posts/p1", "/posts/p2", "/posts/p1/comments", "/posts/p2/comments", "/feed.atom", "/posts/p1/comments.atom"} {
		r := httptest.NewRequestWithContext(ctx, "GET", path, nil)
		r.Header.Set("X-Request-Id", "same")
		answer := httptest.NewRecorder()
		w.router.ServeHTTP(answer, r)
		if answer.Code >= 500 {
			return "", fmt.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
		fmt.Fprintf(&b, "%s %d %s %s\n%s\n", path, answer.Code, answer.Header().Get("ETag"), answer.Header().Get("Link"), answer.Body)
	}
	return b.String(), nil
}

// generation returns every key of a generation with its content.
func (w *world) generation(ctx context.Context, number int) (string, error) {
	var b strings.Builder
	prefix := view{number: number}.prefix()
	keys, err := w.client.Keys(ctx, prefix+"*").Result()
	if err != nil {
		return "", err
	}
	slices.Sort(keys)
	for _, key := range keys {
		content, err := w.content(ctx, key)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s\n\t%s\n", strings.TrimPrefix(key, prefix), strings.Join(content, "\n\t"))
	}
	return b.String(), nil
}

// content lists what a key holds, in an order of its own.
func (w *world) content(ctx context.Context, key string) ([]string, error) {
	kind, err := w.client.Type(ctx, key).Result()
	if err != nil {
		return nil, err
	}
	var lines []string
	switch kind {
	case "string":
		v, err := w.client.Get(ctx, key).Result()
		return []string{v}, err
	case "hash":
		fields, err := w.client.HGetAll(ctx, key).Result()
		for f, v := range fields {
			lines = append(lines, f+" = "+v)
		}
		slices.Sort(lines)
		return lines, err
	case "set":
		lines, err = w.client.SMembers(ctx, key).Result()
		slices.Sort(lines)
		return lines, err
	case "zset":
		return w.client.ZRange(ctx, key, 0, -1).Result()
	default:
		return nil, fmt.Errorf("%s is a %s", key, kind)
	}
}

// history makes a random history of n events: posts that are created, changed and
// deleted, comments that are created, edited, judged, overruled and deleted, by
// their owners and by foreign producers that say as little as they may; deletions
// that come before what they delete, posts that nobody has heard of.
func history(r *rand.Rand, n int) []bus.Entry {
	entries := make([]bus.Entry, n)
	versions := map[string]int64{}
	for i := range entries {
		at := time.UnixMilli(1_700_000_000_000 + int64(i)*7)
		post := "p" + strconv.Itoa(1+r.IntN(2))
		foreign := r.IntN(3) == 0
		var typ, id string
		data := map[string]any{}
		if r.IntN(3) == 0 {
			typ, id = pick(r, event.TypePostCreated, event.TypePostUpdated, event.TypePostUpdated, event.TypePostDeleted), post
			if typ == event.TypePostDeleted && r.IntN(2) == 0 {
				typ = event.TypePostUpdated
			}
			data["id"] = post
			if typ != event.TypePostDeleted {
				data["title"] = "title " + strconv.Itoa(i)
			}
		} else {
			typ = pick(r, event.TypeCommentCreated, event.TypeCommentEdited, event.TypeCommentUpdated, event.TypeCommentUpdated,
				event.TypeCommentUpdated, event.TypeCommentDeleted)
			id = post + "-c" + strconv.Itoa(1+r.IntN(3))
			data["id"], data["postId"] = id, post
			if typ != event.TypeCommentDeleted {
				data["content"] = "content " + strconv.Itoa(i)
				data["status"] = pick(r, "approved", "rejected", "flagged", "pending")
			}
		}
		versions[id]++
		if !foreign {
			data["version"] = versions[id]
			data["author"] = "author " + strconv.Itoa(i)
			if !strings.HasSuffix(typ, "Deleted") {
				data["createdAt"] = at.Add(-time.Duration(r.IntN(40)) * time.Millisecond).UTC()
			}
			if strings.HasPrefix(typ, "Post") && r.IntN(2) == 0 {
				data["body"] = "body " + strconv.Itoa(i)
			}
		}
		raw, err := json.Marshal(data)
		if err != nil {
			panic(err)
		}
		owner := event.Owner(typ)
		e := event.Event{Type: typ, Data: raw, ID: "e" + strconv.Itoa(i), Source: owner, Subject: post, Time: at}
		if foreign {
			e.Source = "somebody"
		}
		entries[i] = bus.Entry{Stream: event.Stream(owner), ID: bus.ID{Ms: uint64(at.UnixMilli()), Seq: 1}, Event: e}
	}
	return entries
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

// permutations yields every order of entries.
func permutations(entries []bus.Entry, yield func([]bus.Entry)) {
	var rec func(k int)
	a := slices.Clone(entries)
	rec = func(k int) {
		if k == len(a) {
			yield(slices.Clone(a))
			return
		}
		for i := k; i < len(a); i++ {
			a[k], a[i] = a[i], a[k]
			rec(k + 1)
			a[k], a[i] = a[i], a[k]
		}
	}
	rec(0)
}

// shuffled returns the entries in a random order, some of them again.
func shuffled(r *rand.Rand, entries []bus.Entry) []bus.Entry {
	out := slices.Clone(entries)
	for range r.IntN(len(entries)) {
		out = append(out, entries[r.IntN(len(entries))])
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func TestTheViewConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	r := rand.New(rand.NewPCG(seed, 1))
	server := bustest.Start(t, "--appendonly", "no")
	type job struct {
		history []bus.Entry
		want    string
		order   []bus.Entry
	}
	jobs := make(chan job)
	var tried sync.Map
	var wg sync.WaitGroup
	const workers = 4
	for i := range workers {
		w := newWorld(t, server.Addr(), i)
		wg.Go(func() {
			for j := range jobs {
				got, err := w.fold(t.Context(), j.order)
				if err != nil {
					t.Errorf("order %v: %v", idsOf(j.order), err)
					continue
				}
				if diff := cmp.Diff(j.want, got); diff != "" {
					t.Errorf("order %v differs from that of the stream:\n%s", idsOf(j.order), diff)
				}
				n, _ := tried.LoadOrStore(len(j.history) <= dense, new(counter))
				n.(*counter).add()
			}
		})
	}
	reference := newWorld(t, server.Addr(), workers)
	inOrder := func(h []bus.Entry) string {
		want, err := reference.fold(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		return want
	}
	all := 0
	for n := 1; n <= dense; n++ {
		h := history(r, n)
		want := inOrder(h)
		permutations(h, func(order []bus.Entry) { all++; jobs <- job{h, want, order} })
	}
	for range orders / 20 {
		h := history(r, dense+1+r.IntN(20))
		want := inOrder(h)
		for range 20 {
			jobs <- job{h, want, shuffled(r, h)}
		}
	}
	close(jobs)
	wg.Wait()
	every, _ := tried.Load(true)
	random, _ := tried.Load(false)
	t.Logf("%d orders of short histories, %d random ones of long", every.(*counter).n, random.(*counter).n)
	if every.(*counter).n != all || all != 1+2+6+24+120+720 || random.(*counter).n != orders {
		t.Errorf("not every order was tried")
	}
}

// Events of one history at the same time, through two replicas.
func TestTheViewConvergesUnderConcurrency(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
	server := bustest.Start(t, "--appendonly", "no")
	reference, a := newWorld(t, server.Addr(), 0), newWorld(t, server.Addr(), 1)
	b := newWorld(t, server.Addr(), 1)
	for range 100 {
		h := history(r, 20)
		want, err := reference.fold(t.Context(), h)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.client.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i, e := range shuffled(r, h) {
			w := []*world{a, b}[i%2]
			wg.Go(func() {
				if err := w.store.handle(t.Context(), e); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := a.see(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("differs from the order of the stream:\n%s", diff)
		}
	}
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() { c.mu.Lock(); c.n++; c.mu.Unlock() }

func idsOf(entries []bus.Entry) []string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Event.ID + ":" + e.Event.Type
	}
	return ids
}
