package eventbus

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

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
