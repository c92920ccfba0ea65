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

// TestPushRefused: a 4xx makes a dead letter of this subscriber, and redriving
// it sends the same event to this subscriber alone.
func TestPushRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var mended atomic.Bool
	picky := newSubscriber(t, func(w http.ResponseWriter, d delivery) {
		if d.Type == "Bad" && !mended.Load() {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte("not\nthis"))
		}
	})
	other := newSubscriber(t, nil)
	a := r.start(picky, other)
	first, bad, last := a.publish("Good", struct{}{}), a.publish("Bad", struct{}{}), a.publish("Good", struct{}{})
	if diff := cmp.Diff([]string{first, last}, picky.awaits(2)); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	other.awaits(3)
	dead := read[[]deadLetter](t, a.do("GET", "/dead", ""))
	if len(dead) != 1 {
		t.Fatalf("dead letters %+v, want one", dead)
	}
	l := dead[0]
	if !strings.HasPrefix(l.Group, "eventbus/push:127.0.0.1-") || l.Stream != "{eventbus}:events" || l.Fields["id"] != bad ||
		l.Error != "answered 422 Unprocessable Entity: not this" || l.Attempts != 1 {
		t.Errorf("dead letter %+v", l)
	}
	if keys := r.Redis().Keys(t.Context(), "*dead*").Val(); len(keys) != 2 || !strings.HasPrefix(keys[0], "{eventbus}:") {
		t.Errorf("keys of dead letters: %v, want two of {eventbus}", keys)
	}
	redrive := func() {
		t.Helper()
		if got := a.do("POST", "/dead/"+l.ID+"/redrive", ""); got.status != http.StatusOK {
			t.Fatalf("redrive: %d %s", got.status, got.body)
		}
	}
	redrive() // is refused again, and has the same id as before
	bustest.Eventually(t, 5*time.Second, "it is a dead letter again", func() bool {
		return len(picky.gets()) == 4 && a.do("GET", "/dead/"+l.ID, "").status == http.StatusOK
	})
	mended.Store(true)
	redrive()
	if diff := cmp.Diff([]string{first, last, bad}, picky.awaits(3)); diff != "" {
		t.Errorf("taken after redriving (-want +got):\n%s", diff)
	}
	if got := a.do("GET", "/dead/"+l.ID, ""); got.status != http.StatusNotFound {
		t.Errorf("the letter is still there: %d", got.status)
	}
	bustest.Eventually(t, 5*time.Second, "nothing is left to be sent again", func() bool {
		return r.Redis().XLen(t.Context(), "{"+strings.Replace(l.Group, "/", "}:", 1)+":redrive").Val() == 0
	})
	if got := other.takes(); len(got) != 3 {
		t.Errorf("the other one got %v", got)
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

// TestPushOverRestarts restarts the service again and again, in good order and by
// crashes, while events come: nothing is lost, a crash repeats at most the last
// one, and that with the same id.
func TestPushOverRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow := newSubscriber(t, func(http.ResponseWriter, delivery) { time.Sleep(2 * time.Millisecond) })
	short := quick
	short.Lease = time.Second
	start := func() *replica {
		return r.startWith(short, func(c *Config) { c.Subscribers = SubscriberList(slow.URL + "/events") })
	}
	var want []string
	const crashes = 3
	for round := range 2 * crashes {
		a := start()
		had := len(slow.takes())
		want = append(want, a.publishMany(40)...)
		slow.awaits(had + 10) // in the middle of it
		if round%2 == 0 {
			a.crash()
		} else {
			a.stop()
		}
	}
	last := start()
	want = append(want, last.publish("Last", struct{}{}))
	bustest.Eventually(t, 20*time.Second, "the last one is taken", func() bool {
		return slices.Contains(slow.takes(), want[len(want)-1])
	})
	took := slow.takes()
	// A repetition comes right behind the first, or the order would be wrong.
	if diff := cmp.Diff(want, slices.Compact(slices.Clone(took))); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if repeated := len(took) - len(want); repeated > crashes {
		t.Errorf("%d repetitions after %d crashes", repeated, crashes)
	}
	if most := slow.mostAtOnce(); most != 1 {
		t.Errorf("%d deliveries at once", most)
	}
}

// TestPushByOneReplica has three replicas and one subscriber: one pushes, and
// when it dies another does.
func TestPushByOneReplica(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, func(http.ResponseWriter, delivery) { time.Sleep(time.Millisecond) })
	replicas := []*replica{r.start(s), r.start(s), r.start(s)}
	holder := func() *replica {
		i := slices.IndexFunc(replicas, func(rep *replica) bool { return rep.log.lines("msg=pushing") > 0 })
		if i < 0 {
			return nil
		}
		return replicas[i]
	}
	var want []string
	for range 2 {
		var died *replica
		bustest.Eventually(t, 20*time.Second, "one pushes", func() bool { died = holder(); return died != nil })
		want = append(want, died.publishMany(30)...)
		died.crash()
		replicas = slices.DeleteFunc(replicas, func(rep *replica) bool { return rep == died })
	}
	want = append(want, replicas[0].publishMany(30)...)
	bustest.Eventually(t, 20*time.Second, "the last one is taken", func() bool {
		return slices.Contains(s.takes(), want[len(want)-1])
	})
	if diff := cmp.Diff(want, slices.Compact(s.takes())); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if most := s.mostAtOnce(); most != 1 || len(s.takes()) > len(want)+2 {
		t.Errorf("%d deliveries at once, %d in all for %d events", most, len(s.takes()), len(want))
	}
}

// TestPushTakenOver: a holder that was cut off from Redis for longer than its
// lease, and comes back, leaves the subscriber to the one that has taken over.
func TestPushTakenOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	a := r.start(s)
	want := a.publishMany(5)
	s.awaits(5)
	a.proxy.Refuse(true)
	b := r.start(s)
	bustest.Eventually(t, 20*time.Second, "the other one takes over", func() bool { return b.log.lines("msg=pushing") == 1 })
	bustest.Eventually(t, 5*time.Second, "the first one knows it", func() bool { return a.log.lines("another replica may push") == 1 })
	want = append(want, b.publishMany(5)...)
	s.awaits(10)
	a.proxy.Refuse(false)
	bustest.Eventually(t, 10*time.Second, "the first one is back", func() bool { return a.do("GET", "/readyz", "").status == http.StatusOK })
	want = append(want, a.publishMany(50)...)
	if diff := cmp.Diff(want, s.awaits(60)); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if most := s.mostAtOnce(); most != 1 || a.log.lines("msg=pushing") != 1 {
		t.Errorf("%d at once; the first one pushes again: %v", most, a.log.lines("msg=pushing") != 1)
	}
}

// TestPushRobbed: what a holder has lost in Redis it has lost, at once.
func TestPushRobbed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	long := quick
	long.Lease = 6 * time.Second // so that it does not notice by the lease's end
	a := r.startWith(long, func(c *Config) { c.Subscribers = SubscriberList(s.URL + "/events") })
	want := a.publishMany(5)
	s.awaits(5)
	key := r.Redis().Keys(t.Context(), "{eventbus}:push:*:holder").Val()[0]
	if err := r.Redis().Set(t.Context(), key, "other", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	bustest.Eventually(t, 4*time.Second, "it knows", func() bool { return a.log.lines("another replica may push") == 1 })
	want = append(want, a.publishMany(5)...)
	if err := r.Redis().Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s.awaits(10)); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

// TestPushKeepsItsLease for longer than one lasts.
func TestPushKeepsItsLease(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, func(http.ResponseWriter, delivery) { time.Sleep(100 * time.Millisecond) })
	short := quick
	short.Lease = time.Second
	a := r.startWith(short, func(c *Config) { c.Subscribers = SubscriberList(s.URL + "/events") })
	a.publishMany(25)
	s.awaits(25)
	if a.log.lines("msg=pushing") != 1 || a.log.lines("another replica may push") != 0 {
		t.Error("it has let the lease go")
	}
}

// TestPushLetsGo: a replica that stops in good order does not make the next one
// wait for the lease to run out.
func TestPushLetsGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	long := quick
	long.Lease = time.Hour
	for i := range 2 {
		a := r.startWith(long, func(c *Config) { c.Subscribers = SubscriberList(s.URL + "/events") })
		a.publish("Any", struct{}{})
		s.awaits(i + 1)
		a.stop()
	}
}

// TestPushWhileRedisIsAway goes on where it was.
func TestPushWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	a := r.start(s)
	want := a.publishMany(5)
	s.awaits(5)
	a.proxy.Refuse(true)
	bustest.Eventually(t, 10*time.Second, "it is noticed", func() bool { return a.log.lines("trying until it works") > 0 })
	if got := a.do("POST", "/events", `{"type":"Any","data":{}}`); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("publish without Redis: %d %s", got.status, got.body)
	}
	a.proxy.Refuse(false)
	bustest.Eventually(t, 10*time.Second, "the service is ready", func() bool { return a.do("GET", "/readyz", "").status == http.StatusOK })
	want = append(want, a.publishMany(5)...)
	if diff := cmp.Diff(want, s.awaits(10)); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

// TestPushPassesOverNonsense that somebody wrote by hand.
func TestPushPassesOverNonsense(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	a := r.start(s)
	for _, values := range [][]any{{"type", "X", "data", "{"}, {"data", "{}"}, {"a", "b"}, {"type", "X", "data", "\xff"}} {
		if err := r.Redis().Do(t.Context(), append([]any{"XADD", "{eventbus}:events", "*"}, values...)...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Redis().Do(t.Context(), "XADD", "{eventbus}:events", "7777777777777-1", "type", "X\xff", "data", "{}", "id", "\n\xff").Err(); err != nil {
		t.Fatal(err)
	}
	got := s.awaits(1)
	events := read[[]event.Event](t, a.do("GET", "/events", ""))
	if len(got) != 1 || len(events) != 1 || events[0].Type != "X\ufffd" || events[0].ID != got[0] {
		t.Errorf("pushed %q, read %+v, want the one that is an event", got, events)
	}
}
