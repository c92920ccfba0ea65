package query

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// What cannot even be read is a difference like others, by the name of its key, and
// a rebuild mends it.
func TestVerifyNamesWhatIsDamaged(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	seed(t, server.Client(), 8, 80)
	r := newReplica(t, server.Addr())
	r.consume("one")
	r.caughtUp(30 * time.Second)
	v, ctx, c := view{number: 1}, t.Context(), r.client
	if err := Readable(ctx, r.bus); err != nil {
		t.Fatalf("before: %v", err)
	}
	if err := c.ZAdd(ctx, v.feed(), z("garbage")).Err(); err != nil {
		t.Fatal(err)
	}
	if err := Readable(ctx, r.bus); err != nil {
		t.Errorf("with the place of no post in the feed: %v", err)
	}
	for _, err := range []error{
		c.Set(ctx, v.post("p0"), `{"id":`, 0).Err(),
		c.Del(ctx, v.post("p1")).Err(), c.LPush(ctx, v.post("p1"), "x").Err(),
		c.HSet(ctx, v.comments("p4"), "c12", `nonsense`).Err(),
		c.Set(ctx, v.comments("p5"), "x", 0).Err(),
		c.Set(ctx, v.others("p6"), "x", 0).Err(),
		c.Set(ctx, v.approved("p7"), "x", 0).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	differences := func() []Difference {
		t.Helper()
		report, err := Verify(ctx, r.bus, func(Step) {})
		if err != nil {
			t.Fatal(err)
		}
		return report.Differences
	}
	const typ = "WRONGTYPE Operation against a key holding the wrong kind of value"
	want := []Difference{
		{"garbage", "", "should not be in the feed: it is the place of no post"},
		{"p0", "", "cannot be read: {query}:1:post:p0: the stored view is damaged: unexpected end of JSON input"},
		{"p1", "", "cannot be read: {query}:1:post:p1: " + typ},
		{"p4", "c12", "cannot be read: {query}:1:comments:p4 c12: the stored view is damaged: invalid character 'o' in literal null (expecting 'u')"},
		{"p5", "", "what is known of its comments cannot be read: {query}:1:comments:p5: " + typ},
		{"p6", "", "which of its comments are not approved cannot be read: {query}:1:others:p6: " + typ},
		{"p7", "", "which of its comments are approved cannot be read: {query}:1:approved:p7: " + typ},
	}
	got := differences()
	for i := range got {
		got[i].What = strings.Replace(got[i].What, "read the view: ", "", 1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := Readable(ctx, r.bus); err == nil {
		t.Error("the first page of a damaged view can be read")
	}
	title := "anew"
	err := r.store.foldPost(ctx, v, "p0", func(p post) post { p.ID, p.Title.Value = "p0", title; return p })
	if err == nil || !strings.HasPrefix(err.Error(), "{query}:1:post:p0: ") {
		t.Errorf("a fold says %v, want that it names the key", err)
	}
	if err := c.Set(ctx, v.feed(), "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got := differences(); len(got) == 0 || !strings.HasPrefix(got[0].String(), "the feed cannot be read: {query}:1:feed: ") {
		t.Errorf("of a feed of another type: %v", got)
	}
	if _, err := Rebuild(ctx, r.bus, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	if got := differences(); len(got) != 0 {
		t.Errorf("after a rebuild: %v", got)
	}
}

// A service that rests is not waited for, and it is said at once that it does.
func TestVerifyWhileTheServiceRests(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	r := newReplica(t, server.Addr())
	seed(t, server.Client(), 2, 0)
	r.consume("one")
	r.caughtUp(30 * time.Second)
	if _, err := r.bus.Pause(t.Context(), event.Query, "looking"); err != nil {
		t.Fatal(err)
	}
	bustest.Eventually(t, 20*time.Second, "it rests", func() bool {
		publish(t, r.bus, event.TypePostCreated, event.Post{ID: "new", Title: new("new")})
		last, err := r.bus.Last(context.Background(), event.Stream(event.Posts))
		for begun := time.Now(); err == nil && time.Since(begun) < time.Second; time.Sleep(20 * time.Millisecond) {
			if passed, err := r.bus.Passed(context.Background(), event.Stream(event.Posts), event.Query, last); err != nil || passed {
				return false
			}
		}
		return err == nil
	})
	publish(t, r.bus, event.TypePostCreated, event.Post{ID: "newer", Title: new("newer")})
	begun := time.Now()
	var told []Behind
	report, err := Verify(t.Context(), r.bus, func(s Step) {
		if s.Behind != nil {
			told = append(told, *s.Behind)
		}
	})
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it waited for %s", took)
	}
	if err != nil || !report.Behind || report.Paused == nil || report.Paused.Reason != "looking" || report.Clean() {
		t.Errorf("report %+v, %v", report, err)
	}
	if len(told) != 1 || told[0].Paused == nil || told[0].Entries < 2 {
		t.Errorf("told %+v, want once that it is paused and how far behind", told)
	}
	if err := r.bus.Resume(t.Context(), event.Query); err != nil {
		t.Fatal(err)
	}
	r.caughtUp(30 * time.Second)
	if report, err = Verify(t.Context(), r.bus, func(Step) {}); err != nil || !report.Clean() || report.Paused != nil {
		t.Errorf("afterwards %+v, %v", report, err)
	}
}
