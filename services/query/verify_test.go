package query

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// Whatever is wrong with the view is named, and nothing else; a rebuild mends it.
func TestVerifyNamesWhatDiffers(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	seed(t, server.Client(), 8, 80)
	r := newReplica(t, server.Addr())
	r.consume("one")
	r.caughtUp(30 * time.Second)
	verify := func() Report {
		t.Helper()
		report, err := Verify(t.Context(), r.bus, func(Step) {})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	want := Report{Generation: 1, Entries: 168, Posts: 8, Comments: 80}
	if diff := cmp.Diff(want, verify()); diff != "" {
		t.Fatalf("of a view that is right:\n%s", diff)
	}

	v, ctx, c := view{number: 1}, t.Context(), r.client
	other := `{"id":"c13","content":{"v":"something else","at":"1-1"},"status":{"v":"approved","at":"1-1"}}`
	for _, err := range []error{
		c.Del(ctx, v.post("p0")).Err(),
		c.Set(ctx, v.post("p1"), `{"id":"p1","deleted":true}`, 0).Err(),
		c.ZAdd(ctx, v.feed(), z(bus.TimeKey(time.UnixMilli(5), "p2")), z(bus.TimeKey(time.UnixMilli(5), "nobody"))).Err(),
		c.ZRem(ctx, v.feed(), bus.TimeKey(time.UnixMilli(1_700_000_000_003), "p3")).Err(),
		c.HDel(ctx, v.comments("p4"), "c12").Err(),
		c.HSet(ctx, v.comments("p5"), "c13", other).Err(),
		c.HSet(ctx, v.comments("p5"), "c5000", `{"id":"c5000"}`).Err(),
		c.ZRem(ctx, v.approved("p6"), bus.TimeKey(time.UnixMilli(1_700_000_000_022), "c14")).Err(),
		c.ZAdd(ctx, v.approved("p6"), z(bus.TimeKey(time.UnixMilli(5), "c15"))).Err(),
		c.ZAdd(ctx, v.others("p7"), z(bus.TimeKey(time.UnixMilli(5), "c15")+" pending 1")).Err(),
		c.HSet(ctx, v.comments("p9"), "c9", `{"id":"c9"}`).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want.Differences = []Difference{
		{"nobody", "", "should not be where it is in the feed"},
		{"p0", "", "is missing from the view"},
		{"p1", "", "differs in title, body, author, version, createdAt, deletion"},
		{"p2", "", "should not be where it is in the feed"},
		{"p3", "", "is missing from the feed"},
		{"p4", "c12", "is missing from the view"},
		{"p5", "c13", "differs in content, author, status, version, createdAt"},
		{"p5", "c5000", "is in the view, and no event tells of it"},
		{"p6", "c14", "is missing from the approved ones"},
		{"p6", "c15", "should not be among the approved ones"},
		{"p7", "c15", "should not be among the not approved ones"},
		{"p9", "c9", "is in the view, and no event tells of it"},
	}
	if diff := cmp.Diff(want, verify()); diff != "" {
		t.Errorf("of a view that is wrong (-want +got):\n%s", diff)
	}
	if _, err := Rebuild(t.Context(), r.bus, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	want.Generation, want.Differences = 2, nil
	if diff := cmp.Diff(want, verify()); diff != "" {
		t.Errorf("of a view that was made anew:\n%s", diff)
	}
}

// What only moves while it is looked at is no difference.
func TestVerifyLooksAgain(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	seed(t, server.Client(), 20, 100)
	r := newReplica(t, server.Addr())
	r.consume("one")
	r.caughtUp(30 * time.Second)

	for n := range 5 {
		moved := false
		report, err := Verify(t.Context(), r.bus, func(s Step) {
			if s.Doing != "compared" || moved {
				return
			}
			moved = true // after the last ids were noted, and before anything is compared
			post, fresh, v := "p"+number(n), "n"+number(n), int64(n+1)
			publish(t, r.bus, event.TypePostUpdated, event.Post{ID: post, Title: new("again")})
			publish(t, r.bus, event.TypePostCreated, event.Post{ID: fresh, Title: new("new")})
			publish(t, r.bus, event.TypeCommentDeleted, event.CommentDeleted{PostID: post, ID: "c" + number(n), Version: &v})
			publish(t, r.bus, event.TypePostDeleted, event.PostDeleted{ID: "p" + number(n+10), Version: &v})
			r.caughtUp(30 * time.Second)
		})
		if err != nil || !report.Clean() || !moved {
			t.Errorf("of a view that moves: %+v, %v", report, err)
		}
	}
}

// What is told while the service is away is missing from the view, and the report
// says what may be why. A rebuild needs no service.
func TestVerifyWithoutTheService(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	seed(t, server.Client(), 3, 6)
	r := newReplica(t, server.Addr())
	r.store.catchUp = 10 * time.Millisecond
	report, err := r.store.verifyLive(t.Context(), func(Step) {})
	if err != nil || report.Clean() || !report.Behind || len(report.Differences) != 3+6 {
		t.Errorf("of a view that has nothing yet: %+v, %v", report, err)
	}
	done, err := r.store.rebuild(t.Context(), time.Minute, func(Step) {})
	if err != nil || done.Entries != 15 {
		t.Fatal(done, err)
	}
	if report, err = r.store.verifyLive(t.Context(), func(Step) {}); err != nil || !report.Clean() || report.Comments != 6 {
		t.Errorf("of a view that was made without the service: %+v, %v", report, err)
	}
}

func z(member string) redis.Z { return redis.Z{Member: member} }

// publish has the owner of a type tell an event.
func publish(t *testing.T, b *bus.Bus, typ string, payload event.Payload) {
	t.Helper()
	owner := event.Owner(typ)
	e, err := event.New(owner, typ, payload, time.Now())
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := b.Publish(context.Background(), event.Stream(owner), e); err != nil {
		t.Errorf("publish %s: %v", typ, err)
	}
}
