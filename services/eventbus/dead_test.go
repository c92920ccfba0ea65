package eventbus

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

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
