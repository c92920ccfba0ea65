package query

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func TestParseWish(t *testing.T) {
	for query, want := range map[string]wish{
		"":                                {},
		"version=1":                       {version: 1},
		"version=7&wait=2s":               {version: 7, wait: 2 * time.Second},
		"version=7&wait=0s":               {version: 7},
		"version=7&wait=10s":              {version: 7, wait: 10 * time.Second},
		"comment=c%7E1&version=2&wait=1s": {version: 2, comment: "c~1", wait: time.Second},
		"other=1":                         {},
	} {
		got, err := parseWish(httptest.NewRequest(http.MethodGet, "/posts/p?"+query, nil))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(wish{})); diff != "" || err != nil {
			t.Errorf("%q: %v %s", query, err, diff)
		}
	}
	for query, parameter := range map[string]string{
		"version=":                      "version",
		"version=0":                     "version",
		"version=-1":                    "version",
		"version=01":                    "version",
		"version=%2B1":                  "version",
		"version=9223372036854775808":   "version",
		"version=one":                   "version",
		"version=1&version=2":           "version",
		"wait=2s":                       "wait",
		"version=1&wait=":               "wait",
		"version=1&wait=2":              "wait",
		"version=1&wait=-1s":            "wait",
		"version=1&wait=11s":            "wait",
		"version=1&wait=1s&wait=1s":     "wait",
		"comment=c":                     "comment",
		"comment=c&wait=2s":             "comment",
		"version=1&comment=":            "comment",
		"version=1&comment=a%2Fb":       "comment",
		"version=1&comment=all":         "comment",
		"version=1&comment=c&comment=d": "comment",
	} {
		_, err := parseWish(httptest.NewRequest(http.MethodGet, "/posts/p?"+query, nil))
		if err == nil || !strings.Contains(err.Error(), parameter+" ") {
			t.Errorf("%q: %v, want that %s is wrong", query, err, parameter)
		}
	}
}

// What is there, or can never be, is answered at once.
func TestAwaitNothing(t *testing.T) {
	r := newReplica(t, bustest.Start(t).Addr())
	r.hub.lookAgain = time.Hour
	var at clock
	r.post(at.next(), "p", "post", 3)
	r.comment(at.next(), "p", "c", "text", event.Rejected, 2)
	r.deleteComment(at.next(), "p", "gone")
	r.deletePost(at.next(), "deleted")
	r.comment(at.next(), "deleted", "c", "text", event.Approved, 1)
	r.comment(at.next(), "unknown", "c", "text", event.Approved, 1)
	r.fold(at.next(), event.TypePostCreated, "bare", map[string]any{"id": "bare", "title": "by a stranger"})
	for _, c := range []struct {
		path string
		want int
	}{
		{"/posts/p", 200},
		{"/posts/p?version=3", 200},
		{"/posts/p?version=2&wait=10s", 200},
		{"/posts/p?version=4", 504},
		{"/posts/p?version=4&wait=50ms", 504},
		{"/posts/p?comment=c&version=2&wait=10s", 200},
		{"/posts/p?comment=c&version=3&wait=50ms", 504},
		{"/posts/p?comment=unknown&version=1&wait=50ms", 504},
		{"/posts/p?comment=gone&version=7&wait=10s", 200},
		{"/posts/deleted?version=7&wait=10s", 404},
		{"/posts/deleted?comment=c&version=7&wait=10s", 404},
		{"/posts/unknown", 404},
		{"/posts/unknown?version=1&wait=50ms", 504},
		{"/posts/unknown?comment=c&version=1&wait=50ms", 504}, // the comment is there before its post
		{"/posts/bare?version=1", 200},
		{"/posts/p?wait=1s", 400},
	} {
		status, body := r.get(c.path)
		if status != c.want || status == 504 && !strings.Contains(body, "urn:newsfeed:problem:not-yet-visible") {
			t.Errorf("%s: %d %s, want %d", c.path, status, body, c.want)
		}
	}
}

// A request that waits is woken by the change, whichever replica made it.
func TestAwaitIsWoken(t *testing.T) {
	server := bustest.Start(t)
	a, b := newReplica(t, server.Addr()), newReplica(t, server.Addr())
	b.hub.lookAgain = time.Hour
	var at clock
	for _, c := range []struct {
		path string
		do   func()
		want int
	}{
		{"/posts/p?version=1", func() { a.post(at.next(), "p", "post", 1) }, 200},
		{"/posts/p?version=2", func() { b.post(at.next(), "p", "post", 2) }, 200},
		{"/posts/p?comment=c&version=1", func() { a.comment(at.next(), "p", "c", "text", event.Pending, 1) }, 200},
		{"/posts/p?comment=c&version=2", func() { b.comment(at.next(), "p", "c", "text", event.Approved, 2) }, 200},
		{"/posts/p?comment=c&version=3", func() { a.deleteComment(at.next(), "p", "c") }, 200},
		{"/posts/q?comment=c&version=1", func() { // a comment overtakes its post
			a.comment(at.next(), "q", "c", "text", event.Pending, 1)
			a.post(at.next(), "q", "post", 1)
		}, 200},
		{"/posts/p?version=3", func() { a.deletePost(at.next(), "p") }, 404},
		{"/posts/r?version=1", func() { a.deletePost(at.next(), "r") }, 404},
	} {
		answer := b.asking(c.path + "&wait=10s")
		c.do()
		if got := answer(); got != c.want {
			t.Errorf("%s: %d, want %d", c.path, got, c.want)
		}
		b.awaitWaiting(0)
	}
}

// A change that nobody told of is found all the same.
func TestAwaitLooksAgain(t *testing.T) {
	r := withoutHub(t, bustest.Start(t).Addr(), web.StreamOptions{})
	r.hub.lookAgain = 20 * time.Millisecond
	var at clock
	answer := r.asking("/posts/p?version=1&wait=10s")
	r.post(at.next(), "p", "post", 1)
	if got := answer(); got != http.StatusOK {
		t.Errorf("%d", got)
	}
}

func TestAwaitIsWokenByAGap(t *testing.T) {
	r := newReplica(t, bustest.Start(t).Addr())
	r.hub.lookAgain = time.Hour
	var at clock
	r.post(at.next(), "other", "post", 1)
	answer := r.asking("/posts/p?version=1&wait=10s")
	// The post comes with no notice, as if its notice had been trimmed.
	_, err := r.client.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		p.Set(t.Context(), view{number: 1}.post("p"), `{"id":"p","title":{"v":"post","at":"1-1"},"version":{"v":1,"at":"1-1"}}`, 0)
		p.Del(t.Context(), changesStream)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := answer(); got != http.StatusOK {
		t.Errorf("%d", got)
	}
}

// A server that stops does not wait for what may never come.
func TestAwaitEndsWithTheServer(t *testing.T) {
	r := newReplica(t, bustest.Start(t).Addr())
	rt := web.NewRouter(slog.New(slog.DiscardHandler))
	api{store: r.store, hub: r.hub, live: newLive(r.hub, nil, nil)}.routes(rt)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	listening, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		done <- web.Serve(ctx, web.Server{
			Handler: rt, Log: slog.New(slog.DiscardHandler), Drain: time.Hour,
			OnListen: func(addrs []net.Addr) { listening <- addrs[0] },
		})
	}()
	r.url = "http://" + (<-listening).String()
	answer := r.asking("/posts/p?version=1&wait=10s")
	start := time.Now()
	stop()
	if got := answer(); got != http.StatusServiceUnavailable {
		t.Errorf("%d", got)
	}
	if err := <-done; err != nil || time.Since(start) > 5*time.Second {
		t.Errorf("stopped after %s: %v", time.Since(start), err)
	}
}

// 1,000 posts, each made by one replica and read at once from the other.
func TestReadYourWrites(t *testing.T) {
	server := bustest.Start(t)
	replicas := []*replica{newReplica(t, server.Addr()), newReplica(t, server.Addr())}
	var at clock
	work := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range work {
				maker, reader := replicas[i%2], replicas[1-i%2]
				id := "p" + number(i)
				var folding sync.WaitGroup
				folding.Go(func() { maker.post(at.next(), id, "post "+id, 1) })
				status, body := reader.get("/posts/" + id + "?version=1&wait=10s")
				if status != http.StatusOK || !strings.Contains(body, "post "+id) {
					t.Errorf("%s: %d %s", id, status, body)
				}
				folding.Wait()
			}
		})
	}
	for i := range 1_000 {
		work <- i
	}
	close(work)
	wg.Wait()
}

// asking sends a request that has to wait, and returns once it does. Its status
// must then come long before the wait is over, when it would be looked again.
func (r *replica) asking(path string) (answer func() int) {
	r.t.Helper()
	status := make(chan int, 1)
	go func() {
		got, _ := r.get(path)
		status <- got
	}()
	r.awaitWaiting(1)
	return func() int {
		r.t.Helper()
		select {
		case got := <-status:
			return got
		case <-time.After(5 * time.Second):
			r.t.Errorf("%s: nothing has woken it", path)
			return <-status
		}
	}
}

// awaitWaiting returns when n requests wait.
func (r *replica) awaitWaiting(n int) {
	r.t.Helper()
	bustest.Eventually(r.t, 10*time.Second, fmt.Sprintf("%d requests wait", n), func() bool {
		r.hub.waiting.mu.Lock()
		defer r.hub.waiting.mu.Unlock()
		return r.hub.waiting.n == n
	})
}
