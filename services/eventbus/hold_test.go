package eventbus

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bustest"
)

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
