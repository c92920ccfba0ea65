package query

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// scale is how much there is to rebuild, and how much goes on meanwhile.
type scale struct {
	posts, comments int
	readers         int
	reads, writes   int // a second, by all
}

// size is a little, or with NEWSFEED_LARGE=1 what is promised (make rebuild-large).
func size() scale {
	if os.Getenv("NEWSFEED_LARGE") != "" {
		return scale{posts: 5_000, comments: 200_000, readers: 24, reads: 200, writes: 20}
	}
	return scale{posts: 200, comments: 3_000, readers: 4, reads: 40, writes: 10}
}

// load reads and writes while the view is rebuilt, and knows what must be seen.
type load struct {
	t        *testing.T
	replicas []*replica
	of       scale

	reads, walks, writes atomic.Int64
}

// run reads and writes until stop is called, which waits for both.
func (l *load) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	turns := make(chan struct{}) // the pace of all readers together
	wg.Go(func() { pace(ctx, l.of.reads, func() { turns <- struct{}{} }); close(turns) })
	for i := range l.of.readers {
		wg.Go(func() {
			for l.walk(ctx, l.replicas[i%len(l.replicas)], turns) {
				l.walks.Add(1)
			}
			for range turns { // so that the pace is not held up at the end
			}
		})
	}
	wg.Go(func() {
		random := rand.New(rand.NewPCG(1, 2))
		pace(ctx, l.of.writes, func() { l.write(random); l.writes.Add(1) })
	})
	return func() { cancel(); wg.Wait() }
}

// pace calls do so often a second from now on; what comes late is made up for.
func pace(ctx context.Context, perSecond int, do func()) {
	every := time.Second / time.Duration(perSecond)
	due := time.NewTimer(0)
	defer due.Stop()
	for next := time.Now(); ; next = next.Add(every) {
		due.Reset(time.Until(next))
		select {
		case <-due.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}

// walk reads all pages, a turn for each, and reports whether it came to the end.
// Every post that was there from the start must be there once, in its place, with
// at least the comments that were there from the start.
func (l *load) walk(ctx context.Context, r *replica, turns <-chan struct{}) bool {
	seen := map[string]bool{}
	var last postView
	for page := r.url + "/posts"; page != ""; {
		if _, ok := <-turns; !ok || ctx.Err() != nil {
			return false
		}
		posts, next, err := fetch(page)
		l.reads.Add(1)
		if err != nil {
			l.t.Errorf("GET %s: %v", page, err)
			return false
		}
		for _, p := range posts {
			if last.ID != "" && bus.TimeKey(p.CreatedAt, p.ID) >= bus.TimeKey(last.CreatedAt, last.ID) {
				l.t.Errorf("post %s comes after %s", p.ID, last.ID)
			}
			if last = p; !strings.HasPrefix(p.ID, "p") {
				continue // made meanwhile
			}
			seen[p.ID] = true
			if least := int64(l.of.comments / l.of.posts); p.CommentCount < least {
				l.t.Errorf("post %s shows %d comments of at least %d", p.ID, p.CommentCount, least)
			}
		}
		page = next
	}
	if len(seen) != l.of.posts {
		l.t.Errorf("%d of %d posts were on the pages", len(seen), l.of.posts)
	}
	return true
}

// fetch reads a page and where the next is.
func fetch(url string) (posts []postView, next string, err error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("status %d", resp.StatusCode)
	}
	if err := json.NewDecoder(resp.Body).Decode(&posts); err != nil {
		return nil, "", err
	}
	if link := resp.Header.Get("Link"); link != "" {
		next, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
		u, err := resp.Request.URL.Parse(next)
		if err != nil {
			return nil, "", err
		}
		next = u.String()
	}
	return posts, next, nil
}

// write makes a change as the services do: a new post, a new text for one, a
// comment, its approval.
func (l *load) write(random *rand.Rand) {
	n := l.writes.Load()
	post := "p" + strconv.Itoa(random.IntN(l.of.posts))
	b := l.replicas[0].bus
	now := time.Now()
	switch id := "during" + strconv.FormatInt(n, 10); n % 4 {
	case 0:
		publish(l.t, b, event.TypePostCreated, event.Post{ID: id, Title: new("new"), CreatedAt: new(now), Version: new(int64(1))})
	case 1:
		publish(l.t, b, event.TypePostUpdated, event.Post{ID: post, Title: new("again " + id), Version: new(2 + n)})
	case 2:
		publish(l.t, b, event.TypeCommentCreated, event.Comment{
			PostID: post, ID: id, Content: new("hello"), Status: new(event.Pending), CreatedAt: new(now), Version: new(int64(1)),
		})
	default:
		c := strconv.Itoa(random.IntN(l.of.comments))
		i, _ := strconv.Atoi(c)
		publish(l.t, b, event.TypeCommentUpdated, event.Comment{
			PostID: "p" + strconv.Itoa(i%l.of.posts), ID: "c" + c, Content: new("again " + id), Status: new(event.Approved), Version: new(3 + n),
		})
	}
}

// The view is rebuilt under load, and killed on the way three times: while it
// folds, while it compares, and after the swap. Nobody who reads notices.
func TestRebuildUnderLoad(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	l := &load{t: t, of: size()}
	seed(t, server.Client(), l.of.posts, l.of.comments)
	for i := range 2 {
		r := newReplica(t, server.Addr())
		r.consume("replica-" + strconv.Itoa(i))
		k := newKeeper(r.store, slog.New(slog.DiscardHandler))
		k.every = 500 * time.Millisecond
		ctx, cancel := context.WithCancel(context.Background())
		kept := make(chan struct{})
		go func() { defer close(kept); _ = k.run(ctx) }()
		t.Cleanup(func() { cancel(); <-kept })
		l.replicas = append(l.replicas, r)
	}
	l.replicas[0].caughtUp(10 * time.Minute)
	store := l.replicas[0].store

	began := time.Now()
	stop := l.run()
	stopped := sync.OnceFunc(stop)
	defer stopped()
	for _, step := range []string{"folded", "compared", "deleted"} {
		killAt(t, server.Addr(), step)
		if report, err := Verify(t.Context(), l.replicas[1].bus, func(Step) {}); err != nil || !report.Clean() {
			t.Errorf("after a rebuild was killed when it had %s: %+v, %v", step, report, err)
		}
	}
	bare := readBare(t, server)
	done, err := store.rebuild(t.Context(), shortLease, func(Step) {})
	if err != nil {
		t.Fatal(err)
	}
	stopped()
	took := time.Since(began)
	report, err := Verify(t.Context(), l.replicas[1].bus, func(Step) {})
	if err != nil || !report.Clean() {
		t.Errorf("after the rebuild: %+v, %v", report, err)
	}
	r, err := store.peekRegistry(t.Context())
	if err != nil || r.Live.Number != done.Generation || r.Next != nil || len(r.Gone) > 0 {
		t.Errorf("registered are %+v, %v; want generation %d alone", r, err, done.Generation)
	}
	for n := 1; n < done.Generation; n++ {
		if err := store.scan(t.Context(), view{number: n}.prefix(), func(keys []string) error { return fmt.Errorf("%d keys", len(keys)) }); err != nil {
			t.Errorf("of generation %d is left: %v", n, err)
		}
	}
	rate := func(over time.Duration) float64 { return float64(done.Entries) / over.Seconds() }
	t.Logf("%d posts, %d comments; killed 3 times, then rebuilt %d entries", report.Posts, report.Comments, done.Entries)
	t.Logf("under %.0f reads/s (%d walks) and %.0f writes/s", float64(l.reads.Load())/took.Seconds(), l.walks.Load(), float64(l.writes.Load())/took.Seconds())
	t.Logf("folded %.0f/s, %.2f of a bare XRANGE that decodes (%.0f/s); with the verification %.0f/s, %.2f",
		rate(done.Folding), rate(done.Folding)/bare, bare, rate(done.Folding+done.Verifying), rate(done.Folding+done.Verifying)/bare)
}

// readBare reads all of the streams and decodes every entry, and returns how many
// that were in a second.
func readBare(t *testing.T, server *bustest.Redis) float64 {
	t.Helper()
	b := bus.New(t.Context(), server.Client(), bus.Options{})
	defer b.Close()
	began, n := time.Now(), 0
	for _, stream := range sources() {
		for after := (bus.ID{}); ; {
			entries, err := b.Range(t.Context(), stream, after, readBatch)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) == 0 {
				break
			}
			after = entries[len(entries)-1].ID
			n += len(decode(entries))
		}
	}
	return float64(n) / time.Since(began).Seconds()
}
