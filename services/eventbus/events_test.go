package eventbus

import (
	"bufio"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

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
	for range 20 {
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
	for range 40 {
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

// serve answers as the service does, with other limits of time.
func (r *rig) serve(patience, request time.Duration) *replica {
	r.t.Helper()
	log := slog.New(slog.DiscardHandler)
	rt := web.NewRouter(log, web.WithRequestTimeout(request))
	a := api{store: newStore(r.Bus), merge: r.Merge(streams()...), streams: web.NewStreams(log, web.StreamOptions{}), patience: patience}
	a.routes(rt)
	srv := httptest.NewServer(rt)
	r.t.Cleanup(srv.Close)
	return &replica{t: r.t, url: srv.URL, client: srv.Client(), log: &syncBuffer{}}
}

// TestEventsTakeTheirTime: all of them may take longer than a request may.
func TestEventsTakeTheirTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want := r.serve(time.Minute, time.Minute).publishMany(3000)
	got := ids(read[[]event.Event](t, r.serve(time.Minute, time.Millisecond).do("GET", "/events", "")))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEventsRare: a page does not look for long for what is rare, but says where
// to go on looking.
func TestEventsRare(t *testing.T) {
	t.Parallel()
	a := newRig(t).serve(1, time.Minute)
	a.publishMany(10)
	want := a.publish("Rare", struct{}{})
	a.publishMany(10)
	path, pages := "/events?limit=10&type=Rare", 0
	var got []string
	for path != "" && pages < 100 {
		answer := a.do("GET", path, "")
		got = append(got, ids(read[[]event.Event](t, answer))...)
		pages++
		path = ""
		if match := nextLink.FindStringSubmatch(answer.header.Get("Link")); match != nil {
			path = "/events" + match[1]
		}
	}
	if len(got) != 1 || got[0] != want || pages < 2 || pages > 22 {
		t.Errorf("found %v on %d pages, want %s", got, pages, want)
	}
}
