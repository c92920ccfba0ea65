package eventbus

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func (r *rig) plain() *replica { r.t.Helper(); return r.startWith(quick, func(*Config) {}) }

// TestPublish: each type goes to the stream of its owner, under a foreign source.
func TestPublish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.plain()
	for typ, owner := range map[string]string{
		"PostCreated": "posts", "PostUpdated": "posts", "PostDeleted": "posts", "CommentCreated": "comments", "CommentEdited": "comments",
		"CommentUpdated": "comments", "CommentDeleted": "comments", "CommentModerated": "moderator", "Odd": "eventbus", "postcreated": "eventbus",
	} {
		id := a.publish(typ, map[string]any{"breaks": "its schema"})
		entries, err := r.Range(t.Context(), event.Stream(owner), bus.ID{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(entries, func(e bus.Entry) bool { return e.Event.ID == id })
		if i < 0 || entries[i].Event.Type != typ || string(entries[i].Event.Data) != `{"breaks":"its schema"}` || !entries[i].Event.Foreign() {
			t.Errorf("%s is not on the stream of %s, or not as it should be: %+v", typ, owner, entries)
		}
	}
}

// TestPublishTolerance takes what the services of a course send.
func TestPublishTolerance(t *testing.T) {
	t.Parallel()
	a := newRig(t).plain()
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", `application/json;charset="UTF-8"`, "APPLICATION/JSON"} {
		for _, body := range []string{
			`{"type":"Odd","data":{}}`, ` {"data" : {} , "type" : "Odd"} ` + "\n", `{"type":"Odd","data":{},"extra":[1],"status":"x"}`,
			`{"type":"Odd","data":{"a":1,"a":2}}`, `{"type":"Old","type":"Odd","data":{}}`, `{"type":"Odd","data":{},"source":7,"time":7}`,
		} {
			if got := a.do("POST", "/events", body, "Content-Type", contentType); got.status != http.StatusOK {
				t.Errorf("%s as %s: %d %s", body, contentType, got.status, got.body)
			}
		}
	}
}

// TestPublishAgain answers a repetition as it did the first time, at once and later.
func TestPublishAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.plain(), r.plain()
	body := `{"type":"Odd","data":{},"id":"` + fresh() + `"}`
	var wg sync.WaitGroup
	answers := make([]string, 30)
	for i := range answers {
		wg.Go(func() { answers[i] = []*replica{a, b}[i%2].do("POST", "/events", body).body })
	}
	wg.Wait()
	r.redis.Kill()
	r.redis.Restart()
	bustest.Eventually(t, 10*time.Second, "Redis is back", func() bool { return a.do("GET", "/readyz", "").status == http.StatusOK })
	answers = append(answers, a.do("POST", "/events", body).body)
	if got := slices.Compact(slices.Clone(answers)); len(got) != 1 || !strings.HasPrefix(got[0], `{"status":"OK","id":"`) {
		t.Errorf("answers %q", got)
	}
	if events := read[[]event.Event](t, b.do("GET", "/events", "")); len(events) != 1 {
		t.Errorf("%d events, want 1", len(events))
	}
}

// TestBadRequests: each its problem document.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.plain()
	const ok = `{"type":"Odd","data":{}}`
	madeUp := deadID(bus.DeadID{Group: "posts", Stream: "{posts}:events", Entry: bus.ID{Ms: 1}})
	tests := []struct {
		method, path, body string
		header             []string
		status             int
	}{
		{"POST", "/events", "", []string{"Content-Type", "application/json"}, 400},
		{"POST", "/events", "{", nil, 400},
		{"POST", "/events", "[]", nil, 400},
		{"POST", "/events", "null", nil, 400},
		{"POST", "/events", `"x"`, nil, 400},
		{"POST", "/events", ok + ok, nil, 400},
		{"POST", "/events", "{}", nil, 400},
		{"POST", "/events", `{"type":"\xff","data":{}}`, nil, 400},
		{"POST", "/events", "{\"type\":\"\xff\",\"data\":{}}", nil, 400},
		{"POST", "/events", `{"type":"Odd","data":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", nil, 400},
		{"POST", "/events", ok, []string{"Content-Type", "text/plain"}, 415},
		{"POST", "/events", ok, []string{"Content-Type", "application/json; charset=latin1"}, 415},
		{"POST", "/events", `{"type":"Odd","data":{"x":"` + strings.Repeat("x", maxBody) + `"}}`, nil, 413},
		{"PUT", "/events", ok, nil, 405},
		{"DELETE", "/events", "", nil, 405},
		{"GET", "/events?after=x", "", nil, 400},
		{"GET", "/events?after=", "", nil, 400},
		{"GET", "/events?limit=0", "", nil, 400},
		{"GET", "/events?limit=1001", "", nil, 400},
		{"GET", "/events?limit=x", "", nil, 400},
		{"GET", "/events?limit=1&limit=1", "", nil, 400},
		{"GET", "/events?type=a&type=b", "", nil, 400},
		{"GET", "/events?subject=a&subject=b", "", nil, 400},
		{"GET", "/events?%zz", "", nil, 400},
		{"GET", "/events/stream?after=x", "", nil, 400},
		{"GET", "/events/stream", "", []string{"Last-Event-ID", "x"}, 400},
		{"POST", "/events/stream", ok, nil, 405},
		{"GET", "/events/other", "", nil, 404},
		{"POST", "/streams", ok, nil, 405},
		{"GET", "/dead?limit=101", "", nil, 400},
		{"GET", "/dead?cursor=x", "", nil, 400},
		{"GET", "/dead?cursor=" + web.Cursor{At: time.Unix(1, 0), ID: "x"}.String(), "", nil, 400},
		{"GET", "/dead?group=a&group=b", "", nil, 400},
		{"GET", "/dead/x", "", nil, 404},
		{"GET", "/dead/" + madeUp, "", nil, 404},
		{"GET", "/dead/a%2Fb", "", nil, 404},
		{"GET", "/dead/%00", "", nil, 404},
		{"GET", "/dead/__proto__", "", nil, 404},
		{"POST", "/dead/" + madeUp + "/redrive", "", nil, 404},
		{"POST", "/dead/x/redrive", "", nil, 404},
		{"DELETE", "/dead/" + madeUp, "", nil, 404},
		{"DELETE", "/dead/x", "", nil, 404},
		{"DELETE", "/dead", "", nil, 405},
		{"GET", "/dead/" + madeUp + "/redrive", "", nil, 405},
		{"GET", "/", "", nil, 404},
	}
	for _, tt := range tests {
		got := a.do(tt.method, tt.path, tt.body, tt.header...)
		var p web.Problem
		err := json.Unmarshal([]byte(got.body), &p)
		if got.status != tt.status || p.Status != tt.status || err != nil || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %.60s: %d %.200s (%v), want %d", tt.method, tt.path, tt.body, got.status, got.body, err, tt.status)
		}
	}
	if n := len(read[[]event.Event](t, a.do("GET", "/events", ""))); n != 0 {
		t.Errorf("%d of them were stored", n)
	}
}

// TestGuard: with no token this machine only, and the variable is named; with
// one, nobody without it.
func TestGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	open := r.plain()
	closed := r.startWith(quick, func(c *Config) { c.BusToken = "s3cret"; c.CORSOrigins = []web.Origin{"*"} })
	for _, route := range []string{
		"POST /events", "GET /events", "HEAD /events", "GET /events/stream", "GET /streams", "GET /dead", "GET /dead/x", "POST /dead/x/redrive", "DELETE /dead/x",
	} {
		method, path, _ := strings.Cut(route, " ")
		if got := open.do(method, path, "", "Host", "evil.example"); got.status != 403 || method != "HEAD" && !strings.Contains(got.body, "BUS_TOKEN") {
			t.Errorf("%s for a foreign Host: %d %s", route, got.status, got.body)
		}
		if got := open.do(method, path, "", "Origin", "http://evil.example"); got.status != 403 {
			t.Errorf("%s for a foreign page: %d", route, got.status)
		}
		for _, header := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "s3cret"}} {
			if got := closed.do(method, path, "", header...); got.status != 401 {
				t.Errorf("%s with %q: %d", route, header, got.status)
			}
		}
		if path == "/events/stream" {
			continue // does not end
		}
		if got := closed.do(method, path, "", "Authorization", "Bearer s3cret", "Origin", "http://page"); got.status == 401 || got.status == 403 {
			t.Errorf("%s with the token: %d", route, got.status)
		} else if got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets pages of other origins read it", route)
		}
	}
	for _, path := range []string{"/livez", "/readyz"} {
		if got := closed.do("GET", path, ""); got.status != 200 {
			t.Errorf("%s without a token: %d", path, got.status)
		}
	}
}

// TestEventsPaged walks in pages of every size, by every filter, and compares
// with the whole.
func TestEventsPaged(t *testing.T) {
	t.Parallel()
	a := newRig(t).plain()
	if got := a.do("GET", "/events", ""); got.body != "[]\n" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("of nothing: %q as %s", got.body, got.header.Get("Content-Type"))
	}
	for i := range 30 {
		post := fmt.Sprint("p", i%3)
		switch i % 4 {
		case 0:
			a.publish(event.TypePostCreated, map[string]string{"id": post, "title": "<b>&"})
		case 1:
			a.publish(event.TypeCommentCreated, map[string]string{"id": fmt.Sprint("c", i), "postId": post, "content": "c"})
		case 2:
			a.publish(event.TypeCommentModerated, map[string]string{"id": fmt.Sprint("c", i), "postId": post})
		default:
			a.publish("Odd", map[string]string{"postId": post})
		}
	}
	whole := a.do("GET", "/events", "")
	all := read[[]event.Event](t, whole)
	if len(all) != 30 || strings.Count(whole.body, "\n") != 32 || !strings.Contains(whole.body, "<b>&") {
		t.Errorf("%d events in\n%s", len(all), whole.body)
	}
	if got := a.do("HEAD", "/events", ""); got.status != 200 || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %v", got.status, got.header)
	}
	for _, filter := range []map[string]string{{}, {"type": "Odd"}, {"subject": "p1"}, {"type": "PostCreated", "subject": "p2"}, {"type": "None"}} {
		var want []string
		for _, e := range all {
			if (filter["type"] == "" || filter["type"] == e.Type) && (filter["subject"] == "" || filter["subject"] == e.Subject) {
				want = append(want, e.ID)
			}
		}
		for _, limit := range []int{0, 1, 7, 30, 1000} {
			query := url.Values{}
			for name, value := range maps.All(filter) {
				query.Set(name, value)
			}
			if limit > 0 {
				query.Set("limit", fmt.Sprint(limit))
			}
			got := walk[event.Event](a, "/events?"+query.Encode(), limit)
			if diff := cmp.Diff(want, ids(got)); diff != "" {
				t.Errorf("%v, pages of %d (-want +got):\n%s", filter, limit, diff)
			}
		}
	}
}

var nextLink = regexp.MustCompile(`^<(\?[^>]*)>; rel="next"$`)

// walk reads all pages; limit 0 is one page.
func walk[T any](a *replica, path string, limit int) []T {
	a.t.Helper()
	var all []T
	for range 1000 {
		got := a.do("GET", path, "")
		page := read[[]T](a.t, got)
		if limit > 0 && len(page) > limit {
			a.t.Errorf("%s has %d elements, want at most %d", path, len(page), limit)
		}
		all = append(all, page...)
		link := got.header.Get("Link")
		if link == "" {
			return all
		}
		match := nextLink.FindStringSubmatch(link)
		if match == nil || len(page) == 0 {
			a.t.Fatalf("%s has the Link %q and %d elements", path, link, len(page))
		}
		base, _, _ := strings.Cut(path, "?")
		path = base + match[1]
	}
	a.t.Fatalf("%s has no end", path)
	return nil
}

// TestEventsLarge: a page ends where it has become large, and says so.
func TestEventsLarge(t *testing.T) {
	t.Parallel()
	a := newRig(t).plain()
	text := strings.Repeat("x", 250<<10)
	var want []string
	for range 40 {
		want = append(want, a.publish("Large", map[string]string{"text": text}))
	}
	first := a.do("GET", "/events?limit=1000", "")
	if len(first.body) > pageBytes+(300<<10) || first.header.Get("Link") == "" {
		t.Errorf("a page of %d bytes, Link %q", len(first.body), first.header.Get("Link"))
	}
	for _, limit := range []int{0, 1000} {
		path := "/events"
		if limit > 0 {
			path += fmt.Sprint("?limit=", limit)
		}
		if diff := cmp.Diff(want, ids(walk[event.Event](a, path, limit))); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
}

// TestEventsBreaksOff: half of everything does not pass for all of it.
func TestEventsBreaksOff(t *testing.T) {
	t.Parallel()
	a := newRig(t).plain()
	text := strings.Repeat("x", 250<<10)
	for range 60 {
		a.publish("Large", map[string]string{"text": text})
	}
	res, err := a.client.Get(a.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body := bufio.NewReader(res.Body)
	if line, err := body.ReadString('\n'); err != nil || line != "[\n" {
		t.Fatalf("begins with %q, %v", line, err)
	}
	a.proxy.Refuse(true)
	if n, err := body.WriteTo(discard{}); err == nil {
		t.Errorf("ended well after %d bytes without Redis", n)
	}
	a.proxy.Refuse(false)
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestStreams shows groups, subscribers and what waits to be handled again.
func TestStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	a := r.start(s)
	a.publish(event.TypePostCreated, map[string]string{"id": "p1", "title": "t"})
	a.publish(event.TypePostCreated, map[string]string{"title": "no id"})
	s.awaits(2)

	ctx, cancel := context.WithCancel(t.Context())
	var consuming sync.WaitGroup
	defer consuming.Wait()
	defer cancel()
	hold := make(chan struct{})
	consuming.Go(func() {
		_ = r.Consume(ctx, bus.Subscription{Group: "query", Consumer: "q1", Streams: []string{"{posts}:events"}}, func(_ context.Context, e bus.Entry) error {
			if _, err := e.Event.Decode(); err != nil {
				return err
			}
			<-hold
			return nil
		})
	})
	var got []streamState
	bustest.Eventually(t, 10*time.Second, "the state is as it should be", func() bool {
		got = read[[]streamState](t, a.do("GET", "/streams", ""))
		return len(got) == 4 && len(got[0].Groups) == 2 && got[0].Groups[0].Dead == 1 && got[0].Groups[0].Pending == 1 && got[0].Groups[0].OldestPendingMs > 0
	})
	posts := got[0]
	q, sub := posts.Groups[0], posts.Groups[1]
	if posts.Name != "{posts}:events" || posts.Length != 2 || posts.Last == "" || q.Name != "query" || q.Delivered != posts.Last || q.Lag == nil || *q.Lag != 0 ||
		len(q.Consumers) != 1 || q.Consumers[0].Name != "q1" || !q.Consumers[0].Alive || q.Consumers[0].Pending != 1 {
		t.Errorf("posts: %+v", posts)
	}
	if sub.URL != s.URL+"/events" || sub.Delivered != posts.Last || sub.Lag == nil || *sub.Lag != 0 || len(sub.Consumers) != 1 {
		t.Errorf("subscriber: %+v", sub)
	}
	if got[3].Name != "{eventbus}:events" || got[3].Length != 0 || got[3].Last != "" {
		t.Errorf("eventbus: %+v", got[3])
	}
	close(hold)

	// A letter that is sent back while nobody reads is to be seen.
	dead := read[[]deadLetter](t, a.do("GET", "/dead", ""))
	cancel()
	consuming.Wait()
	if len(dead) != 1 || a.do("POST", "/dead/"+dead[0].ID+"/redrive", "").status != 200 {
		t.Fatalf("dead %+v", dead)
	}
	got = read[[]streamState](t, a.do("GET", "/streams", ""))
	if len(got) != 5 || got[4].Name != "{query}:redrive" || got[4].Length != 1 {
		t.Errorf("after redriving: %+v", got)
	}
}

// TestDeadPaged lists the letters of several groups as one, by every filter.
func TestDeadPaged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.plain()
	if got := a.do("GET", "/dead", ""); got.body != "[]\n" {
		t.Errorf("of nothing: %q", got.body)
	}
	var all []bus.DeadLetter
	for i := range 40 {
		e := bus.Entry{Stream: event.Stream([]string{"posts", "comments"}[i%2]), ID: bus.ID{Ms: uint64(i + 1)}, Event: event.Event{
			Type: []string{"A", "B", "C"}[i%3], Data: []byte("{}"), ID: fmt.Sprint("e", i),
		}}
		l := e.Letter([]string{"query", "moderator", "comments"}[i%3])
		l.Error, l.Attempts, l.Time = "no", 5, now.Add(time.Duration(i/10)*time.Millisecond)
		if err := r.Bury(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
		if l.Group = event.Posts; i%5 == 0 { // one entry can be dead for two groups
			if err := r.Bury(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(x, y bus.DeadLetter) int { return placeOf(x).compare(placeOf(y)) })
	for _, q := range []deadQuery{{}, {group: "query"}, {stream: "{posts}:events"}, {typ: "B"}, {"comments", "{comments}:events", "C"}, {group: "none"}} {
		var want []string
		for _, l := range all {
			if q.wants(l) && (q.group == "" || q.group == l.Group) {
				want = append(want, deadID(l.DeadID))
			}
		}
		for _, limit := range []int{1, 3, 20, 100} {
			path := "/dead?" + url.Values{"limit": {fmt.Sprint(limit)}, "group": {q.group}, "stream": {q.stream}, "type": {q.typ}}.Encode()
			var got []string
			for _, l := range walk[deadLetter](a, path, limit) {
				got = append(got, l.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%+v, pages of %d (-want +got):\n%s", q, limit, diff)
			}
		}
	}
	id := deadID(all[7].DeadID)
	one := read[deadLetter](t, a.do("GET", "/dead/"+id, ""))
	if diff := cmp.Diff(show(all[7]), one); diff != "" {
		t.Errorf("one (-want +got):\n%s", diff)
	}
	if got := a.do("DELETE", "/dead/"+id, ""); got.status != 204 || got.body != "" {
		t.Errorf("drop: %d %s", got.status, got.body)
	}
	if got := a.do("DELETE", "/dead/"+id, ""); got.status != 404 {
		t.Errorf("drop again: %d", got.status)
	}
	if got := walk[deadLetter](a, "/dead", 20); len(got) != len(all)-1 {
		t.Errorf("%d are left, want %d", len(got), len(all)-1)
	}
}
