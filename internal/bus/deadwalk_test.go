package bus_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// letter returns a dead letter that was given up so many milliseconds after now.
func letter(group string, n int, after time.Duration) bus.DeadLetter {
	e := bus.Entry{Stream: stream, ID: bus.ID{Ms: uint64(n)}, Event: event.Event{Type: "Anything", Data: []byte("{}"), ID: fmt.Sprint("e", n)}}
	l := e.Letter(group)
	l.Error, l.Attempts, l.Time = "no", 1, now.Add(after*time.Millisecond)
	return l
}

// TestWalkDead walks over more letters than a page holds, most of them of one
// millisecond, while some go.
func TestWalkDead(t *testing.T) {
	t.Parallel()
	r := mini(t)
	const group, n = "owner/reader", 70
	var want []string
	for i := range n {
		l := letter(group, 100+i, 5)
		if i < 5 {
			l.Time = now
		}
		for range 2 { // the second changes nothing
			if err := r.Bury(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, l.Entry.String())
	}
	walk := func(since int64, drop bool) (got []string) {
		t.Helper()
		for l, err := range r.WalkDead(t.Context(), group, since) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, l.Entry.String())
			if drop {
				if err := r.Drop(t.Context(), l.DeadID); err != nil {
					t.Fatal(err)
				}
			}
		}
		return got
	}
	if diff := cmp.Diff(want, walk(0, false)); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[5:], walk(now.UnixMilli()+1, false)); diff != "" {
		t.Errorf("later ones (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, walk(0, true)); diff != "" {
		t.Errorf("while they go (-want +got):\n%s", diff)
	}
	if got := walk(0, false); len(got) > 0 {
		t.Errorf("after all were dropped there are %v", got)
	}
	// Everything of owner/reader lies under the tag of owner.
	keys, err := r.client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 0 {
		t.Errorf("keys %v (%v), want none", keys, err)
	}
}

// TestRedriven sends a letter of a reader without a group back to it alone.
func TestRedriven(t *testing.T) {
	t.Parallel()
	r := mini(t)
	ctx := t.Context()
	const group = "owner/reader"
	sent := letter(group, 7, 0)
	if err := r.Bury(ctx, sent); err != nil {
		t.Fatal(err)
	}
	keys, err := r.client.Keys(ctx, "*").Result()
	if diff := cmp.Diff([]string{"{owner}:reader:dead", "{owner}:reader:dead:order"}, keys); diff != "" || err != nil {
		t.Errorf("keys (-want +got, %v):\n%s", err, diff)
	}
	if err := r.Redrive(ctx, sent.DeadID); err != nil {
		t.Fatal(err)
	}
	waiting, err := r.Redriven(ctx, group, 10)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("waiting: %v, %v, want one", waiting, err)
	}
	got := waiting[0]
	if got.Stream != stream || got.ID != sent.Entry || got.Event.ID != "e7" || got.Err != nil {
		t.Errorf("came back as %+v", got)
	}
	if got := got.Letter(group).Fields; cmp.Diff(sent.Fields["data"], got["data"]) != "" {
		t.Errorf("fields %v, want %v", got, sent.Fields)
	}
	for range 2 {
		if err := r.DropRedriven(ctx, group, got.Place); err != nil {
			t.Fatal(err)
		}
	}
	if waiting, err = r.Redriven(ctx, group, 10); err != nil || len(waiting) != 0 {
		t.Errorf("waiting after it was dropped: %v, %v", waiting, err)
	}
}
