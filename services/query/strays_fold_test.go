package query

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// The view believes an event on the stream of its owner only, and so do a rebuild
// and a verification.
func TestStrayEventsAreInNoView(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	w := newWorld(t, server.Addr(), 0)
	posts, comments := event.Stream(event.Posts), event.Stream(event.Comments)
	for _, e := range []struct{ stream, typ, data string }{
		{posts, event.TypePostCreated, `{"id":"p1","title":"t"}`},
		{comments, event.TypeCommentCreated, `{"postId":"p1","id":"c","content":"x"}`},
		{comments, event.TypePostDeleted, `{"id":"p1"}`},
		{comments, event.TypePostCreated, `{"id":"p2","title":"stray"}`},
		{posts, event.TypeCommentUpdated, `{"postId":"p1","id":"c","content":"x","status":"approved"}`},
		{posts, event.TypeCommentModerated, `{"postId":"p1","id":"c","content":"x","status":"approved"}`},
	} {
		values := []string{"type", e.typ, "data", e.data, "source", event.Owner(e.typ)}
		if err := w.client.XAdd(t.Context(), &redis.XAddArgs{Stream: e.stream, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, stream := range sources() {
		entries, err := w.store.bus.Range(t.Context(), stream, bus.ID{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			err := w.store.handle(t.Context(), e)
			stray := stream != event.Stream(event.Owner(e.Event.Type))
			if stray && (err == nil || !strings.Contains(err.Error(), e.Event.Type+" on "+stream)) || !stray && err != nil {
				t.Errorf("a %s on %s: %v", e.Event.Type, stream, err)
			}
		}
	}
	live, err := w.see(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(live, "stray") || strings.Contains(live, "approved") || !strings.Contains(live, `"id":"p1"`) {
		t.Errorf("the view believes what has strayed:\n%s", live)
	}
	upTo, err := w.store.ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report, err := w.store.verify(t.Context(), view{number: 1}, upTo, func(Step) {})
	if err != nil || len(report.Differences) > 0 {
		t.Errorf("a verification finds %v, %v", report.Differences, err)
	}
	err = w.store.history(t.Context(), nil, upTo, func(events []told) error {
		for _, e := range events {
			if stray := e.entry.Stream != event.Stream(event.Owner(e.entry.Event.Type)); stray != (e.payload == nil) {
				t.Errorf("history tells of a %s on %s: %v", e.entry.Event.Type, e.entry.Stream, e.payload)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
