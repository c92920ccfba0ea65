package query

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// commented folds a comment that was created at a second of the day.
func (r *replica) commented(at bus.ID, post, id, content string, status event.Status, second int) {
	r.t.Helper()
	created := time.Date(2026, 1, 2, 0, 0, second, 0, time.UTC)
	r.fold(at, event.TypeCommentUpdated, post, map[string]any{
		"postId": post, "id": id, "content": content, "author": "bob", "status": status, "createdAt": created, "version": 1,
	})
}

// listed gets a list and where the next page is, "" for nowhere.
func listed[T any](r *replica, path string) (list []T, next string, size int) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		r.t.Fatalf("%s: %v", path, err)
	}
	if err := json.Unmarshal(body, &list); err != nil {
		r.t.Fatalf("%s: %d %.300s", path, resp.StatusCode, body)
	}
	if link := resp.Header.Get("Link"); link != "" {
		query, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		bare, _, _ := strings.Cut(path, "?")
		next = bare + query
	}
	return list, next, len(body)
}

func ids(list []commentView) []string {
	all := make([]string, len(list))
	for i, c := range list {
		all[i] = c.ID
	}
	return all
}

// Whatever the history: the pages of a post's comments have every approved one once,
// in order; no page has more others than the limit; and none repeats one. Who has
// just written sees it on the last page, unless that many others came after it.
func TestComments_Pages(t *testing.T) {
	random := rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano())))
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	var at clock
	for round := range 12 {
		post := "p" + number(round)
		r.post(at.next(), post, "a post", 1)
		n, limit := random.IntN(60), 1+random.IntN(9)
		statuses := []event.Status{event.Approved, event.Approved, event.Pending, event.Rejected, event.Flagged}
		var approved []string
		for i := range n {
			status := statuses[random.IntN(len(statuses))]
			id := fmt.Sprintf("c%03d", i)
			r.commented(at.next(), post, id, "text", event.Pending, i)
			r.commented(at.next(), post, id, "text", status, i)
			if status == event.Approved {
				approved = append(approved, id)
			}
		}
		r.commented(at.next(), post, "own", "mine", event.Pending, 1000)
		var got []string
		seen := map[string]bool{}
		var last []commentView
		for path := fmt.Sprintf("/posts/%s/comments?limit=%d", post, limit); path != ""; {
			var page []commentView
			page, path, _ = listed[commentView](r, path)
			others := 0
			for _, c := range page {
				if seen[c.ID] {
					t.Fatalf("%s comes twice", c.ID)
				}
				seen[c.ID] = true
				if c.Status == event.Approved {
					got = append(got, c.ID)
				} else if others++; c.Content != "" || c.Author != "" {
					t.Fatalf("%+v has a text", c)
				}
			}
			if !slices.IsSortedFunc(page, func(a, b commentView) int { return a.CreatedAt.Compare(b.CreatedAt) }) {
				t.Fatalf("not in posting order: %v", ids(page))
			}
			if len(page)-others > limit || others > limit {
				t.Fatalf("%d approved and %d others on a page of %d", len(page)-others, others, limit)
			}
			last = page
		}
		if diff := cmp.Diff(approved, got); diff != "" {
			t.Fatalf("the approved ones (-want +got):\n%s", diff)
		}
		if !slices.Contains(ids(last), "own") {
			t.Errorf("the own comment is not on the last page: %v", ids(last))
		}
	}
}

// A preview has the 20 latest approved comments, and of the others the 20 latest that
// are newer than the oldest of those.
func TestPost_Preview(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	var at clock
	r.post(at.next(), "p", "a post", 1)
	r.commented(at.next(), "p", "early", "x", event.Rejected, 1)
	preview := func() []string {
		var p postView
		_, body := r.get("/posts/p")
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		return ids(p.Comments)
	}
	if diff := cmp.Diff([]string{"early"}, preview()); diff != "" {
		t.Errorf("with no approved one:\n%s", diff)
	}
	for i := range 25 {
		r.commented(at.next(), "p", fmt.Sprintf("a%02d", i), "x", event.Approved, 10+2*i)
	}
	for i := range 60 { // the first of them before the oldest approved one that is shown
		r.commented(at.next(), "p", fmt.Sprintf("o%02d", i), "x", event.Pending, 15+i)
	}
	var want []string
	for s := range 100 {
		if s >= 20 && s < 60 && s%2 == 0 {
			want = append(want, fmt.Sprintf("a%02d", (s-10)/2))
		}
		if o := s - 15; o >= 40 && o < 60 {
			want = append(want, fmt.Sprintf("o%02d", o))
		}
	}
	if diff := cmp.Diff(want, preview()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The feed stays within its budget whatever people have written, and its pages have
// every post once.
func TestFeed_Budget(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	var at clock
	long, body := strings.Repeat("✂<", 5_000), strings.Repeat("é&", 10_000)
	const posts = 12
	for i := range posts {
		id := "p" + number(i)
		r.fold(at.next(), event.TypePostUpdated, id, map[string]any{
			"id": id, "title": "a", "body": body, "author": "ann", "createdAt": time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC), "version": 1,
		})
		for c := range 20 {
			r.commented(at.next(), id, fmt.Sprintf("%s-%02d", id, c), long, event.Approved, c)
		}
	}
	seen := 0
	for path := "/posts?limit=100"; path != ""; {
		page, next, size := listed[postView](r, path)
		if size > web.AnswerBudget || len(page) == 0 {
			t.Fatalf("%d posts in %d bytes", len(page), size)
		}
		for _, p := range page {
			if seen++; p.ID != "p"+number(posts-seen) || p.Body != body {
				t.Fatalf("post %d is %s", seen, p.ID)
			}
			for _, c := range p.Comments {
				if !c.Truncated || !strings.HasPrefix(long, c.Content) || len([]rune(c.Content)) != previewCut {
					t.Fatalf("%d characters, truncated %v", len([]rune(c.Content)), c.Truncated)
				}
			}
		}
		path = next
	}
	if seen != posts {
		t.Errorf("%d posts, want %d", seen, posts)
	}
	whole := 0
	for path := "/posts/p3/comments?limit=100"; path != ""; {
		page, next, size := listed[commentView](r, path)
		if size > web.AnswerBudget {
			t.Errorf("%d bytes of comments", size)
		}
		for _, c := range page {
			if whole++; c.Content != long || c.Truncated {
				t.Errorf("%s is not whole", c.ID)
			}
		}
		path = next
	}
	if whole != 20 {
		t.Errorf("%d whole comments, want 20", whole)
	}
}

// Texts that will not be shown are not read: what Redis sends is short however long
// they are, and however many.
func TestRejectedTexts_StayInRedis(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	var at clock
	r.post(at.next(), "p", "a post", 1)
	long := strings.Repeat("secret ", 1_400)
	for i := range 200 {
		r.commented(at.next(), "p", "c"+number(i), long, event.Rejected, i)
	}
	sent := func() int64 {
		t.Helper()
		text, err := r.client.Info(t.Context(), "stats").Result()
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(line, "total_net_output_bytes:"); ok {
				_, _ = fmt.Sscan(value, &n)
			}
		}
		return n
	}
	for _, path := range []string{"/posts", "/posts/p", "/posts/p/comments?limit=100"} {
		before := sent()
		if status, body := r.get(path); status != http.StatusOK || strings.Contains(body, "secret") {
			t.Fatalf("%s: %d %.100s", path, status, body)
		}
		if grown := sent() - before; grown > 64<<10 {
			t.Errorf("%s: Redis sends %d bytes", path, grown)
		}
	}
	before := sent()
	if _, err := r.store.look(t.Context(), []subject{{"p", "c1"}, {"p", "c2"}, {"p", "c3"}}); err != nil {
		t.Fatal(err)
	}
	if grown := sent() - before; grown > 10<<10 {
		t.Errorf("a look at three comments: Redis sends %d bytes", grown)
	}
}

// A change says no more than fits, and that there is more.
func TestChange_IsShort(t *testing.T) {
	long := strings.Repeat("é", 20_000)
	p := postView{ID: "p", Body: long}
	for range 40 {
		p.Comments = append(p.Comments, commentView{ID: "c", Content: long[:8_000]})
	}
	for _, m := range []web.Message{
		subject{post: "p"}.postMessage(p, true),
		subject{"p", "c"}.commentMessage(post{ID: "p", Title: register[string]{"t", bus.ID{Ms: 1}}}, 1, comment{
			ID: "c", Content: register[string]{long, bus.ID{Ms: 1}}, Status: register[event.Status]{event.Approved, bus.ID{Ms: 1}},
		}),
	} {
		text := m.Text()
		if len(text) > maxChange+16<<10 || !strings.Contains(text, `"truncated":true`) {
			t.Errorf("%d bytes: %.100s", len(text), text)
		}
	}
}

// What means nothing in a request makes no other page of it.
func TestCacheKey_IsTheParsedRequest(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	var at clock
	r.post(at.next(), "p", "a post", 1)
	r.heard()
	for _, same := range [][]string{
		{"/posts", "/posts?nonce=1", "/posts?limit=20", "/posts?nonce=2&limit=20", "/posts?limit=20&nonce=3"},
		{"/posts/p", "/posts/p?x", "/posts/%70"},
		{"/posts/p/comments?limit=7", "/posts/p/comments?nonce=1&limit=7"},
	} {
		for _, path := range same {
			r.get(path)
		}
	}
	got := map[pageKey]bool{}
	for key := range maps.Collect(r.hub.cache.kept.All()) {
		got[key] = true
	}
	want := map[pageKey]bool{{"/posts", "limit=20"}: true, {path: "/posts/p"}: true, {"/posts/p/comments", "limit=7"}: true}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(pageKey{})); diff != "" {
		t.Errorf("pages that are kept (-want +got):\n%s", diff)
	}
}

// No more bytes are under construction than there may be, for one network and for all;
// who cannot wait for that is told when to come again.
func TestConstruction_IsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newReadLimits(web.RateLimit{Off: true})
		const each = constructing * readBudget
		fill := func(network string) (held []func()) {
			for {
				began := time.Now()
				done, err := l.construct(t.Context(), network, 100)
				if err != nil {
					if waited := time.Since(began); waited != constructWait {
						t.Errorf("it waits for %v", waited)
					}
					return held
				}
				if held = append(held, done); len(held) > 100 {
					t.Fatal("there is no bound")
				}
			}
		}
		one, other := fill("one"), fill("other")
		if most := maxConstructingOne / each; len(one) != most {
			t.Errorf("%d at a time for one network, want %d", len(one), most)
		}
		if most := maxConstructing/each - len(one); len(other) != most {
			t.Errorf("%d for another, want %d", len(other), most)
		}
		time.AfterFunc(constructWait/2, other[0])
		if _, err := l.construct(t.Context(), "third", 100); err != nil {
			t.Errorf("a turn that comes while it waits: %v", err)
		}
	})
}

// One network cannot hold all the bytes that are being sent, nor all together more
// than there may be.
func TestSending_IsBounded(t *testing.T) {
	l := newReadLimits(web.RateLimit{Off: true})
	const size = 1 << 20
	one, all := 0, 0
	for l.take("192.0.2.1", size) {
		one++
	}
	if one != maxSendingOne/size {
		t.Errorf("one network holds %d MiB", one)
	}
	for n := range 100 {
		if l.take(fmt.Sprint("net", n), size) {
			all++
		}
	}
	if one+all != maxSending/size {
		t.Errorf("all hold %d MiB", one+all)
	}
	for range one {
		l.give("192.0.2.1", size)
	}
	if !l.take("192.0.2.1", size) || len(l.byNet) != all+1 {
		t.Error("what was given back is not to be had again")
	}
}

// Readers have a rate of answers that must be made; what is kept they have as they like.
func TestReading_HasARate(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	var at clock
	r.post(at.next(), "p", "a post", 1)
	r.heard()
	r.hub.cache.limits = newReadLimits(web.RateLimit{Rate: 1, Period: time.Hour, Burst: 3})
	rt := web.NewRouter(slog.New(slog.DiscardHandler))
	api{store: r.store, hub: r.hub}.routes(rt)
	ask := func(path, client string) int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		req.RemoteAddr = client + ":1"
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, req)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		return w.Code
	}
	var got []int
	for n := range 5 {
		got = append(got, ask("/posts?limit="+number(n+1), "192.0.2.1"))
	}
	if want := []int{200, 200, 200, 429, 429}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if other, own := ask("/posts?limit=9", "192.0.2.2"), ask("/posts?limit=10", "127.0.0.1"); other != 200 || own != 200 {
		t.Errorf("another network %d, this machine %d", other, own)
	}
}

// A view of the release before is read and written as it was made, until it is rebuilt.
func TestLegacyView(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := withoutHub(t, server.Addr(), web.StreamOptions{})
	gens := `{"epoch":"e","last":1,"live":{"gen":1,"schema":1}}`
	for _, err := range []error{
		r.client.Set(t.Context(), gensKey, gens, 0).Err(), r.client.SAdd(t.Context(), epochKey, "e").Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var at clock
	r.post(at.next(), "p", "a post", 1)
	statuses := []event.Status{event.Approved, event.Rejected, event.Pending}
	for i := range 12 {
		r.commented(at.next(), "p", fmt.Sprintf("c%02d", i), "text", statuses[i%3], i)
	}
	v := view{number: 1}
	if n := r.client.ZCard(t.Context(), v.order("p")).Val(); n != 12 {
		t.Errorf("%d in the order", n)
	}
	if n := r.client.SCard(t.Context(), v.approved("p")).Val(); n != 4 {
		t.Errorf("%d approved", n)
	}
	all := []string{"c00", "c01", "c02", "c03", "c04", "c05", "c06", "c07", "c08", "c09", "c10", "c11"}
	var p postView
	_, body := r.get("/posts/p")
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.CommentCount != 4 {
		t.Fatalf("%v: %s", err, body)
	}
	if diff := cmp.Diff(all, ids(p.Comments)); diff != "" {
		t.Errorf("the preview:\n%s", diff)
	}
	var got []string
	for path := "/posts/p/comments?limit=2"; path != ""; {
		var page []commentView
		page, path, _ = listed[commentView](r, path)
		for _, c := range page {
			if c.Status == event.Approved {
				got = append(got, c.ID)
			} else if c.Content != "" {
				t.Errorf("%+v has a text", c)
			}
		}
	}
	if diff := cmp.Diff([]string{"c00", "c03", "c06", "c09"}, got); diff != "" {
		t.Errorf("the pages:\n%s", diff)
	}
}

// Many ask at a time, all are answered.
func TestManyReaders(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	var at clock
	r.post(at.next(), "p", "a post", 1)
	var wg sync.WaitGroup
	for n := range 64 {
		wg.Go(func() {
			if status, body := r.get("/posts?limit=" + number(1+n)); status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	wg.Wait()
}
