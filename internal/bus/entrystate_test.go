package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// TestEntryStates follows one entry through a group: waiting, pending, dead,
// sent back, done; beside a group that has not begun.
func TestEntryStates(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	id := r.publish("p")[0]
	if states, err := r.EntryStates(ctx, stream, id); err != nil || len(states) != 0 {
		t.Errorf("without groups: %+v, %v", states, err)
	}
	for _, group := range []string{"idle", "query"} {
		if err := r.client.XGroupCreate(ctx, stream, group, "0").Err(); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, want bus.EntryState) {
		t.Helper()
		states, err := r.EntryStates(ctx, stream, id)
		if err != nil || len(states) != 2 {
			t.Fatalf("%s: %+v, %v, want two groups", when, states, err)
		}
		got := states[1]
		if got.State == bus.StateDead != (got.Letter != nil) {
			t.Errorf("%s: the letter is %+v", when, got.Letter)
		}
		got.Idle, got.Letter = 0, nil
		want.Group = "query"
		if diff := cmp.Diff([]bus.EntryState{{Group: "idle", State: bus.StateWaiting}, want}, []bus.EntryState{states[0], got}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	expect("before it is read", bus.EntryState{State: bus.StateWaiting})

	blocked := make(chan struct{})
	defer func() { close(blocked) }()
	met, verdicts := make(chan struct{}, 1), make(chan error)
	stop := r.consume("a", func(context.Context, bus.Entry) error {
		met <- struct{}{}
		select {
		case err := <-verdicts:
			return err
		case <-blocked:
			return nil
		}
	})
	<-met
	expect("while it is handled", bus.EntryState{State: bus.StatePending, Consumer: "a", Deliveries: 1})
	pend, err := r.Pending(ctx, bus.PendingQuery{Stream: stream, Group: "query", Limit: 10})
	if err != nil || len(pend) != 1 || pend[0].ID != id || pend[0].Event.Subject != "p" || pend[0].Consumer != "a" || pend[0].Lost {
		t.Errorf("pending: %+v, %v", pend, err)
	}
	verdicts <- bus.Permanent(errors.New("no"))
	r.settled(10 * time.Second)
	expect("once it is buried", bus.EntryState{State: bus.StateDead})

	dead := bus.DeadID{Group: "query", Stream: stream, Entry: id}
	if err := r.Redrive(ctx, dead); err != nil {
		t.Fatal(err)
	}
	<-met
	expect("while it is handled again", bus.EntryState{State: bus.StateSentBack, Consumer: "a", Deliveries: 1})
	pend, err = r.Pending(ctx, bus.PendingQuery{Stream: "{query}:redrive", Group: "query", Limit: 10})
	if err != nil || len(pend) != 1 || pend[0].ID != id || pend[0].Stream != stream {
		t.Errorf("pending of what was sent back: %+v, %v", pend, err)
	}
	verdicts <- nil
	stop() // acknowledges
	expect("at last", bus.EntryState{State: bus.StateDone})
}

// TestPendingOfWhatIsLost shows an entry that the stream lost while it was pending.
func TestPendingOfWhatIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	ids := r.publish("p", "q", "r")
	if pend, err := r.Pending(ctx, bus.PendingQuery{Stream: stream, Group: "query", Limit: 10}); err != nil || pend != nil {
		t.Errorf("without a group: %+v, %v", pend, err)
	}
	if err := r.client.XGroupCreate(ctx, stream, "query", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.Do(ctx, "XREADGROUP", "GROUP", "query", "a", "STREAMS", stream, ">").Result(); err != nil {
		t.Fatal(err)
	}
	if err := r.client.XDel(ctx, stream, ids[0].String()).Err(); err != nil {
		t.Fatal(err)
	}
	pend, err := r.Pending(ctx, bus.PendingQuery{Stream: stream, Group: "query", Limit: 2})
	if err != nil || len(pend) != 2 {
		t.Fatalf("pending: %+v, %v, want two", pend, err)
	}
	if pend, err := r.Pending(ctx, bus.PendingQuery{Stream: stream, Group: "query", Idle: time.Minute}); err != nil || len(pend) != 0 {
		t.Errorf("pending for a minute: %+v, %v, want none", pend, err)
	}
	if p := pend[0]; !p.Lost || p.ID != ids[0] || p.Event.ID != "" {
		t.Errorf("the first is %+v, want it lost", p)
	}
	if p := pend[1]; p.Lost || p.Event.Subject != "q" || p.Deliveries != 1 {
		t.Errorf("the second is %+v, want it there", p)
	}
}
