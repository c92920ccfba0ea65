package query

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func TestStreamTellsWhatIsThereNow(t *testing.T) {
	r := newReplica(t, bustest.Start(t).Addr())
	var at clock
	l := r.listen("")
	if hello := l.want(eventHello); hello.LastEventID != "0-0" || hello.Data != "{}" {
		t.Errorf("hello %+v", hello)
	}
	const when = `"createdAt":"2026-01-02T03:04:05Z"`
	for _, step := range []struct {
		do        func()
		typ, data string
	}{
		{func() { r.post(at.next(), "p", "Hello <you>", 1) }, eventPost,
			`{"id":"p","title":"Hello \u003cyou\u003e","body":"a body","author":"ann",` + when + `,"version":1,"commentCount":0,"comments":[]}`},
		{func() { r.comment(at.next(), "p", "c", "nice", event.Pending, 1) }, eventComment,
			`{"postId":"p","commentCount":0,"comment":{"id":"c","content":"","author":"","status":"pending","createdAt":"2026-01-02T03:04:06Z","version":1}}`},
		{func() { r.comment(at.next(), "p", "c", "nice", event.Approved, 2) }, eventComment,
			`{"postId":"p","commentCount":1,"comment":{"id":"c","content":"nice","author":"bob","status":"approved","createdAt":"2026-01-02T03:04:06Z","version":2}}`},
		{func() { r.post(at.next(), "p", "Hello", 2) }, eventPost,
			`{"id":"p","title":"Hello","body":"a body","author":"ann",` + when + `,"version":2,"commentCount":1,"comments":[` +
				`{"id":"c","content":"nice","author":"bob","status":"approved","createdAt":"2026-01-02T03:04:06Z","version":2}]}`},
		{func() { r.deleteComment(at.next(), "p", "c") }, eventCommentDeleted, `{"postId":"p","commentCount":0,"id":"c"}`},
		{func() { r.deletePost(at.next(), "p") }, eventPostDeleted, `{"id":"p"}`},
		// What belongs to no post that is shown has no text.
		{func() { r.comment(at.next(), "p", "d", "late", event.Approved, 1) }, eventCommentDeleted, `{"postId":"p","commentCount":0,"id":"d"}`},
	} {
		step.do()
		e := l.want(step.typ)
		if diff := cmp.Diff(step.data, e.Data); diff != "" {
			t.Errorf("%s: %s", step.typ, diff)
		}
	}
	if diff := cmp.Diff(r.changesSince("0"), r.changesSince("0-0")); diff != "" || l.last != r.changesSince("0")[6] {
		t.Errorf("the last id is %s, want that of the last of %v", l.last, r.changesSince("0"))
	}
}

// A repeated event changes nothing, so nothing is told.
func TestNoNewsOfRepetitions(t *testing.T) {
	r := newReplica(t, bustest.Start(t).Addr())
	var at clock
	id := at.next()
	for range 3 {
		r.post(id, "p", "Hello", 1)
	}
	if changes := r.changesSince("0"); len(changes) != 1 {
		t.Errorf("%d notices of one change", len(changes))
	}
}

// The connection drops, 100 changes are made, the client comes again to another
// replica while more are made: it gets each that it missed once, in order.
func TestStreamResumes(t *testing.T) {
	server := bustest.Start(t)
	a, b := newReplica(t, server.Addr()), newReplica(t, server.Addr())
	var at clock
	l := a.listen("")
	l.want(eventHello)
	a.post(at.next(), "p", "first", 1)
	l.want(eventPost)
	l.cut()
	for i := range 100 {
		[]*replica{a, b}[i%2].comment(at.next(), "p", "c"+number(i), "text "+number(i), event.Approved, 1)
	}
	var more = make(chan struct{})
	go func() {
		defer close(more)
		for i := range 100 {
			b.comment(at.next(), "p", "d"+number(i), "text "+number(i), event.Pending, 1)
		}
	}()
	again := b.listen(l.last)
	var got, texts []string
	for range 200 {
		e := again.want(eventComment)
		got = append(got, e.LastEventID)
		texts = append(texts, e.Data)
	}
	<-more
	if diff := cmp.Diff(b.changesSince(l.last), got); diff != "" {
		t.Errorf("not exactly what was missed: %s", diff)
	}
	if !strings.Contains(texts[99], "text 99") {
		t.Errorf("the last of the missed is %s", texts[99])
	}
	// Nobody has told it more than that.
	b.post(at.next(), "p", "last", 2)
	again.want(eventPost)
}

// What has been replayed beyond the hub's own position is not told again when the
// hub comes to it.
func TestStreamResumesAheadOfTheHub(t *testing.T) {
	r := withoutHub(t, bustest.Start(t).Addr(), web.StreamOptions{})
	var at clock
	for i := range 5 {
		r.post(at.next(), "p"+number(i), "post", 1)
	}
	entries, err := r.bus.Range(t.Context(), changesStream, bus.ID{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, has := range []int{0, 3} { // behind the hub, and ahead of it
		r.hub.restart(entries[1].ID)
		l := r.listen(entries[has].ID.String())
		bustest.Eventually(t, 10*time.Second, "the client has joined", func() bool {
			r.hub.mu.Lock()
			defer r.hub.mu.Unlock()
			return len(r.hub.clients) == 1
		})
		r.hub.spread(t.Context(), bus.Step{Entries: entries[2:], At: entries[4].ID})
		r.hub.restart(entries[4].ID)
		var got, want []string
		for e := l.next(); e.Type != eventResync; e = l.next() {
			got = append(got, e.LastEventID)
		}
		for _, e := range entries[has+1:] {
			want = append(want, e.ID.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("client at %d: %s", has, diff)
		}
		l.cut()
		bustest.Eventually(t, 10*time.Second, "the client has left", func() bool {
			r.hub.mu.Lock()
			defer r.hub.mu.Unlock()
			return len(r.hub.clients) == 0
		})
	}
}

func TestStreamThatCannotBeResumed(t *testing.T) {
	server := bustest.Start(t)
	r := newReplica(t, server.Addr())
	var at clock
	l := r.listen("")
	l.want(eventHello)
	r.post(at.next(), "p", "first", 1)
	first := l.want(eventPost).LastEventID
	r.post(at.next(), "p", "second", 2)
	l.want(eventPost)
	if err := r.client.XTrimMaxLen(t.Context(), changesStream, 1).Err(); err != nil {
		t.Fatal(err)
	}
	id, err := bus.ParseID(l.last)
	if err != nil {
		t.Fatal(err)
	}
	for what, lastID := range map[string]string{
		"too old":           first,
		"before everything": "0-0",
		"of another stream": bus.ID{Ms: id.Ms, Seq: id.Seq + 5}.String(),
		"from the future":   bus.ID{Ms: id.Ms + 1_000_000}.String(),
		"the last of all":   bus.MaxID.String(),
		"no id":             "hello",
		"half an id":        "5",
		"another form":      "0" + l.last,
		"too large":         "99999999999999999999-0",
		"long":              strings.Repeat("9", 8000),
	} {
		t.Run(what, func(t *testing.T) {
			l := r.listen(lastID)
			if e := l.want(eventResync); e.LastEventID != id.String() || e.Data != "{}" {
				t.Errorf("resync %+v, want id %s", e, id)
			}
			r.post(at.next(), "p", "then", 1)
			id, _ = bus.ParseID(l.want(eventPost).LastEventID) // and nothing between
			l.cut()
		})
	}
}

// Who has missed more than is worth telling reads anew, and who has missed the
// most that is told gets all of it.
func TestStreamResumesUpToALimit(t *testing.T) {
	r := newReplica(t, bustest.Start(t, "--appendonly", "no").Addr())
	var at clock
	r.post(at.next(), "p", "first", 1)
	r.comment(at.next(), "p", "c", "text", event.Approved, 1)
	for i := range maxReplay {
		r.comment(at.next(), "p", "c", "text", event.Approved, int64(i+2))
	}
	ids := r.heard()
	l := r.listen(ids[1])
	for range maxReplay {
		l.want(eventComment)
	}
	r.listen(ids[0]).want(eventResync)
}

// Text that was rejected after it had been approved is not told to who comes
// late, nor is a comment's whose post is gone.
func TestStreamDoesNotReplayWhatWasTakenBack(t *testing.T) {
	server := bustest.Start(t)
	a, b := newReplica(t, server.Addr()), newReplica(t, server.Addr())
	var at clock
	l := a.listen("")
	l.want(eventHello)
	l.cut()
	a.post(at.next(), "p", "post", 1)
	a.comment(at.next(), "p", "c", "outrage", event.Approved, 1)
	a.post(at.next(), "p", "post again", 2)
	a.comment(at.next(), "p", "d", "fine", event.Approved, 1)
	a.post(at.next(), "q", "gone post", 1)
	a.comment(at.next(), "q", "e", "gone comment", event.Approved, 1)
	a.comment(at.next(), "p", "c", "outrage", event.Rejected, 2)
	a.deletePost(at.next(), "q")
	for _, r := range []*replica{a, b} {
		l := r.listen(l.last)
		for range 8 {
			e := l.next()
			for _, never := range []string{"outrage", "gone"} {
				if strings.Contains(e.Data, never) {
					t.Errorf("%s %s", e.Type, e.Data)
				}
			}
		}
	}
}

// Upon hello and resync a client reads its pages, from whichever replica: they come
// when none of them gives a page any more from before what they speak of.
func TestPagesAreReadAnewLateEnough(t *testing.T) {
	server := bustest.Start(t)
	r := newReplica(t, server.Addr())
	var at clock
	r.post(at.next(), "p", "post", 1)
	r.heard() // else it may come after hello, as a change
	begun := time.Now()
	within := func(what string) {
		t.Helper()
		if took := time.Since(begun); took < maxStale {
			t.Errorf("%s after %s, before other replicas' pages are up to date", what, took)
		}
	}
	l := r.listen("")
	l.want(eventHello)
	within("hello")
	begun = time.Now()
	r.hub.restart(bus.ID{Ms: 1})
	l.want(eventResync)
	within("resync to who was there")
	begun = time.Now()
	r.listen("no id").want(eventResync)
	within("resync to who came again")
}

// A page gives up a stream that is silent, so heartbeats must be events to it.
func TestStreamHeartbeats(t *testing.T) {
	r := withoutHub(t, bustest.Start(t).Addr(), web.StreamOptions{Heartbeat: 20 * time.Millisecond})
	r.follow()
	l := r.listen("")
	l.want(eventHello)
	bustest.Eventually(t, 10*time.Second, "two heartbeats came", func() bool { return l.beats.Load() >= 2 })
}
