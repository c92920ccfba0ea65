package eventbus

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	closed := r.startWith(quick, func(c *Config) { c.BusToken = web.Tokens{"s3cret-of-16-bytes"}; c.CORSOrigins = []web.Origin{"*"} })
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
		for _, header := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "s3cret-of-16-bytes"}} {
			if got := closed.do(method, path, "", header...); got.status != 401 {
				t.Errorf("%s with %q: %d", route, header, got.status)
			}
		}
		if path == "/events/stream" {
			continue // does not end
		}
		if got := closed.do(method, path, "", "Authorization", "Bearer s3cret-of-16-bytes", "Origin", "http://page"); got.status == 401 || got.status == 403 {
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
