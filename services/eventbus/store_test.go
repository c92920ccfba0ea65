package eventbus

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
)

// TestStoreHolder: only the holder writes a place, and nothing writes an older one.
func TestStoreHolder(t *testing.T) {
	t.Parallel()
	s := newStore(newRig(t).Bus)
	ctx := t.Context()
	const long = time.Hour
	keep := func(replica string, ttl time.Duration, want bool) {
		t.Helper()
		if got, err := s.keep(ctx, "x", replica, ttl); got != want || err != nil {
			t.Fatalf("%s holds: %v, %v, want %v", replica, got, err, want)
		}
	}
	save := func(replica string, n int64, want error) {
		t.Helper()
		at := place{Number: n, At: map[string]bus.ID{"{posts}:events": {Ms: uint64(n), Seq: 1}}}
		if err := s.save(ctx, "x", replica, at); !errors.Is(err, want) {
			t.Fatalf("%s saves %d: %v, want %v", replica, n, err, want)
		}
	}
	if got, err := s.place(ctx, "x"); err != nil || got.Number != 0 || len(got.At) != 0 {
		t.Errorf("a new subscriber is at %+v, %v", got, err)
	}
	save("a", 1, errNotHolder) // nobody is
	keep("a", long, true)
	keep("a", long, true)
	keep("b", long, false)
	save("a", 2, nil)
	save("b", 3, errNotHolder)
	save("a", 1, nil) // a late command
	want := place{Number: 2, At: map[string]bus.ID{"{posts}:events": {Ms: 2, Seq: 1}}}
	got, err := s.place(ctx, "x")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("place (-want +got, %v):\n%s", err, diff)
	}
	if err := s.release(ctx, "x", "b"); err != nil {
		t.Fatal(err)
	}
	keep("b", long, false) // it was not b's to release
	if err := s.release(ctx, "x", "a"); err != nil {
		t.Fatal(err)
	}
	keep("b", long, true)
	save("b", 10, nil) // not in order of digits
	if ttl := s.bus.Redis().PTTL(ctx, holderKey("x")).Val(); ttl <= 0 || ttl > long {
		t.Errorf("the holder's key lasts %s", ttl)
	}
}
