package eventbus

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tmaxmax/go-sse"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// reading is a client of /events/stream.
type reading struct {
	t      testing.TB
	events chan sse.Event
	cancel context.CancelFunc
}

func (rep *replica) follow(path, last string) *reading {
	rep.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	rep.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", rep.url+path, nil)
	if err != nil {
		rep.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := rep.client.Transport.RoundTrip(req) //nolint:bodyclose // closed below, by the goroutine that reads it; and there is no time-out here
	if err != nil {
		rep.t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream" {
		rep.t.Fatalf("%s: %d %s", path, res.StatusCode, got)
	}
	r := &reading{t: rep.t, events: make(chan sse.Event), cancel: cancel}
	go func() {
		defer close(r.events)
		defer func() { _ = res.Body.Close() }()
		for e, err := range sse.Read(res.Body, &sse.ReadConfig{MaxEventSize: 1 << 20}) {
			if err != nil {
				return
			}
			select {
			case r.events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return r
}

// next returns the ids of the next n events, and the last message's id.
func (r *reading) next(n int) (got []string, last string) {
	r.t.Helper()
	for len(got) < n {
		m, ok := <-r.events
		var e event.Event
		if err := json.Unmarshal([]byte(m.Data), &e); !ok || err != nil {
			r.t.Fatalf("after %d events, want %d: %q (%v)", len(got), n, m.Data, err)
		}
		if m.Type != "" && m.Type != "message" {
			r.t.Errorf("message of the type %q, which onmessage does not get", m.Type)
		}
		got, last = append(got, e.ID), m.LastEventID
	}
	return got, last
}

// TestStream follows from the beginning, from a cursor and from where it broke off.
func TestStream(t *testing.T) {
	t.Parallel()
	a := newRig(t).plain()
	want := a.publishMany(5)
	s := a.follow("/events/stream", "")
	got, _ := s.next(5)
	want = append(want, a.publishMany(250)...)
	more, last := s.next(100)
	if diff := cmp.Diff(want[:105], append(got, more...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.cancel()
	again := a.follow("/events/stream?after="+cursor{}.String(), last) // the header is further
	want = append(want, a.publishMany(20)...)
	more, last = again.next(len(want) - 105)
	if diff := cmp.Diff(want[105:], more); diff != "" {
		t.Errorf("resumed (-want +got):\n%s", diff)
	}
	later := a.publish("Later", struct{}{})
	if got, _ := a.follow("/events/stream?after="+last, "").next(1); got[0] != later {
		t.Errorf("after the cursor comes %s, want %s", got[0], later)
	}
	// The same cursor pages GET /events.
	if got := ids(read[[]event.Event](t, a.do("GET", "/events?after="+last, ""))); len(got) != 1 || got[0] != later {
		t.Errorf("GET /events after the cursor: %v, want %s", got, later)
	}
}

// TestStreamFilters sends what is asked for only.
func TestStreamFilters(t *testing.T) {
	t.Parallel()
	a := newRig(t).plain()
	byType, bySubject := a.follow("/events/stream?type=Wanted", ""), a.follow("/events/stream?subject=p1", "")
	a.publish("Other", struct{}{})
	one := a.publish("Wanted", map[string]string{"postId": "p2"})
	two := a.publish(event.TypePostDeleted, map[string]string{"id": "p1"})
	if got, _ := byType.next(1); got[0] != one {
		t.Errorf("by type: %s, want %s", got[0], one)
	}
	if got, _ := bySubject.next(1); got[0] != two {
		t.Errorf("by subject: %s, want %s", got[0], two)
	}
}

// TestStreamLargeAndAway: large events come whole, and Redis going away ends no
// stream and loses nothing.
func TestStreamLargeAndAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.plain()
	s := a.follow("/events/stream", "")
	var want []string
	for range 10 {
		want = append(want, a.publish("Large", map[string]string{"text": strings.Repeat("x\n", 60<<10)}))
	}
	got, _ := s.next(10)
	a.proxy.Refuse(true)
	bustest.Eventually(t, 10*time.Second, "Redis is away", func() bool { return a.do("GET", "/readyz", "").status == 503 })
	select {
	case m := <-s.events:
		t.Fatalf("while Redis is away there comes %v, or the end", m)
	case <-time.After(lookAgain + time.Second): // it has looked
	}
	other := event.Event{Type: "Odd", Data: []byte("{}"), ID: fresh()}
	if _, err := r.Publish(t.Context(), "{eventbus}:events", other); err != nil {
		t.Fatal(err)
	}
	a.proxy.Refuse(false)
	more, _ := s.next(1)
	if diff := cmp.Diff(append(want, other.ID), append(got, more...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStreamEnds at once when the service stops.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	a := newRig(t).plain()
	var all []*reading
	for range 5 {
		all = append(all, a.follow("/events/stream", ""))
	}
	start := time.Now()
	a.stop()
	for _, s := range all {
		if m, ok := <-s.events; ok {
			t.Errorf("there came %v", m)
		}
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
}
