package eventbus

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// TestPushOrder has many writers, each of which tells of a post, a comment on it
// and the verdict: no subscriber meets one before the other, both get the same
// order, which is that of GET /events, and never two at once.
func TestPushOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	early, late := newSubscriber(t, nil), newSubscriber(t, nil)
	a := r.start(early)
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("p%d-%d", w, i)
				a.publish(event.TypePostCreated, map[string]string{"id": id, "title": "t"})
				a.publish(event.TypeCommentCreated, map[string]string{"id": "c" + id, "postId": id, "content": "c"})
				a.publish(event.TypeCommentModerated, map[string]string{"id": "c" + id, "postId": id, "content": "c", "status": "approved"})
			}
		})
	}
	wg.Wait()
	const n = 3 * writers * each
	order := early.awaits(n)
	seen := map[string]int{}
	for _, d := range early.gets() {
		if want := slices.Index([]string{event.TypePostCreated, event.TypeCommentCreated, event.TypeCommentModerated}, d.Type); seen[d.Subject] != want {
			t.Fatalf("%s of %s came as number %d", d.Type, d.Subject, seen[d.Subject])
		}
		seen[d.Subject]++
	}
	// One that joins late, at another replica, gets it all, from the beginning.
	b := r.start(late)
	if diff := cmp.Diff(order, late.awaits(n)); diff != "" {
		t.Errorf("two subscribers get two orders (-early +late):\n%s", diff)
	}
	if diff := cmp.Diff(order, ids(read[[]event.Event](t, b.do("GET", "/events", "")))); diff != "" {
		t.Errorf("GET /events has another order (-push +get):\n%s", diff)
	}
	for _, s := range []*subscriberServer{early, late} {
		remotes := map[string]bool{}
		for _, d := range s.gets() {
			remotes[d.Remote] = true
		}
		if most := s.mostAtOnce(); most != 1 || len(remotes) != 1 || len(s.gets()) != n {
			t.Errorf("%d deliveries, %d at once, over %d connections, want %d, 1, 1", len(s.gets()), most, len(remotes), n)
		}
	}
}

// TestPushAnsweredBeforeDelivery has a subscriber that never answers.
func TestPushAnsweredBeforeDelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hang := make(chan struct{})
	stuck := newSubscriber(t, func(http.ResponseWriter, delivery) { <-hang })
	quickOne := newSubscriber(t, nil)
	defer close(hang) // before the server is closed, which waits for it
	a := r.start(stuck, quickOne)
	want := a.publishMany(50)
	if diff := cmp.Diff(want, quickOne.awaits(50)); diff != "" {
		t.Errorf("a stuck subscriber disturbs another (-want +got):\n%s", diff)
	}
	if got := len(stuck.gets()); got != 1 {
		t.Errorf("the stuck one has %d deliveries under way, want 1", got)
	}
	start := time.Now()
	a.stop()
	if took := time.Since(start); took > quick.Grace+3*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

// TestPushTimesOut gives up on an answer that takes too long, and tries again.
func TestPushTimesOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var first atomic.Bool
	hang := make(chan struct{})
	s := newSubscriber(t, func(http.ResponseWriter, delivery) {
		if first.CompareAndSwap(false, true) {
			<-hang
		}
	})
	defer close(hang)
	short := quick
	short.Delivery = 200 * time.Millisecond
	a := r.startWith(short, func(c *Config) { c.Subscribers = SubscriberList(s.URL + "/events") })
	if diff := cmp.Diff(a.publishMany(3), s.awaits(3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPushRetries has a subscriber that fails in every way that is not its last
// word: the same event comes again until it is taken, and nothing before it.
func TestPushRetries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var tries atomic.Int64
	s := newSubscriber(t, func(w http.ResponseWriter, _ delivery) {
		switch n := tries.Add(1); n % 10 {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			w.WriteHeader(http.StatusTooManyRequests)
		case 4:
			w.WriteHeader(http.StatusRequestTimeout)
		case 5:
			w.WriteHeader(http.StatusTooEarly)
		case 6:
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		case 7: // no answer at all
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.Close()
			}
			w.(*statusWriter).status = http.StatusBadGateway
		case 8: // more of an answer than anybody wants to read
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write(make([]byte, 1<<20))
		}
	})
	a := r.start(s)
	want := a.publishMany(20)
	if diff := cmp.Diff(want, s.awaits(20)); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	var came []string
	for _, d := range s.gets() {
		came = append(came, d.ID)
		if d.Key != d.ID {
			t.Errorf("Idempotency-Key %q of %s", d.Key, d.ID)
		}
	}
	if diff := cmp.Diff(want, slices.Compact(came)); diff != "" {
		t.Errorf("came (-want +got):\n%s", diff)
	}
	bustest.Eventually(t, 5*time.Second, "one line at either end of an outage", func() bool {
		begins, ends := a.log.lines("trying until it does"), a.log.lines("takes events again")
		return begins > 0 && begins == ends && begins < int(tries.Load())/4
	})
	if dead := read[[]deadLetter](t, a.do("GET", "/dead", "")); len(dead) > 0 {
		t.Errorf("dead letters %v", dead)
	}
}

// TestPushToOneThatRestarts has the subscriber away while events come.
func TestPushToOneThatRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	addr := s.Listener.Addr().String()
	a := r.start(s)
	want := a.publishMany(5)
	s.awaits(5)
	s.CloseClientConnections()
	s.Close()
	want = append(want, a.publishMany(5)...)
	bustest.Eventually(t, 5*time.Second, "the outage is noticed", func() bool { return a.log.lines("trying until it does") == 1 })
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	again := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s}}
	again.Start()
	defer again.Close()
	want = append(want, a.publishMany(5)...)
	if diff := cmp.Diff(want, s.awaits(15)); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

// TestPushLarge has events as large as they can be.
func TestPushLarge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	a := r.start(s)
	text := strings.Repeat("x", maxBody-len(`{"type":"Large","data":{"text":""}}`))
	var want []string
	for range 12 {
		want = append(want, a.publish("Large", map[string]string{"text": text}))
	}
	s.awaits(12)
	if diff := cmp.Diff(want, s.takes()); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	for _, d := range s.gets() {
		var data struct{ Text string }
		if err := json.Unmarshal(d.Data, &data); err != nil || data.Text != text {
			t.Fatalf("%s came with %d bytes (%v), want %d", d.ID, len(data.Text), err, len(text))
		}
	}
}

// TestPushToOneThatPublishes has a subscriber that publishes an event, and waits
// for the answer, before it answers itself: as services of the course do.
func TestPushToOneThatPublishes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var a atomic.Pointer[replica]
	s := newSubscriber(t, func(w http.ResponseWriter, d delivery) {
		if d.Type != "Asked" {
			return
		}
		body := fmt.Sprintf(`{"type":"Answered","data":{},"causationid":%q}`, d.ID)
		if got, err := a.Load().try("POST", "/events", body); err != nil || got.status != http.StatusOK {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	a.Store(r.start(s))
	for range 20 {
		a.Load().publish("Asked", struct{}{})
	}
	s.awaits(40)
	asked := map[string]bool{}
	for _, d := range s.gets() {
		switch {
		case d.Type == "Asked":
			asked[d.ID] = true
		case !asked[d.CausationID] || d.CorrelationID != d.CausationID:
			t.Errorf("%s answers %q, correlation %q", d.ID, d.CausationID, d.CorrelationID)
		}
	}
}
