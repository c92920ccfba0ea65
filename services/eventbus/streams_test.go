package eventbus

import (
	"context"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// TestStreams shows groups, subscribers and what waits to be handled again.
func TestStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := newSubscriber(t, nil)
	a := r.start(s)
	a.publish(event.TypePostCreated, map[string]string{"id": "p1", "title": "t"})
	a.publish(event.TypePostCreated, map[string]string{"title": "no id"})
	s.awaits(2)

	ctx, cancel := context.WithCancel(t.Context())
	var consuming sync.WaitGroup
	defer consuming.Wait()
	defer cancel()
	hold := make(chan struct{})
	consuming.Go(func() {
		_ = r.Consume(ctx, bus.Subscription{Group: "query", Consumer: "q1", Streams: []string{"{posts}:events"}}, func(_ context.Context, e bus.Entry) error {
			if _, err := e.Event.Decode(); err != nil {
				return err
			}
			<-hold
			return nil
		})
	})
	var got []StreamState
	bustest.Eventually(t, 10*time.Second, "the state is as it should be", func() bool {
		got = read[[]StreamState](t, a.do("GET", "/streams", ""))
		return len(got) == 4 && len(got[0].Groups) == 2 && got[0].Groups[0].Dead == 1 && got[0].Groups[0].Pending == 1 && got[0].Groups[0].OldestPendingMs > 0
	})
	posts := got[0]
	q, sub := posts.Groups[0], posts.Groups[1]
	if posts.Name != "{posts}:events" || posts.Length != 2 || posts.Last == "" || q.Name != "query" || q.Delivered != posts.Last || q.Lag == nil || *q.Lag != 0 ||
		len(q.Consumers) != 1 || q.Consumers[0].Name != "q1" || !q.Consumers[0].Alive || q.Consumers[0].Pending != 1 {
		t.Errorf("posts: %+v", posts)
	}
	if sub.URL != s.URL+"/events" || sub.Delivered != posts.Last || sub.Lag == nil || *sub.Lag != 0 || len(sub.Consumers) != 1 {
		t.Errorf("subscriber: %+v", sub)
	}
	if got[3].Name != "{eventbus}:events" || got[3].Length != 0 || got[3].Last != "" {
		t.Errorf("eventbus: %+v", got[3])
	}
	close(hold)

	// A letter that is sent back while nobody reads is to be seen.
	dead := read[[]deadLetter](t, a.do("GET", "/dead", ""))
	cancel()
	consuming.Wait()
	if len(dead) != 1 || a.do("POST", "/dead/"+dead[0].ID+"/redrive", "").status != 200 {
		t.Fatalf("dead %+v", dead)
	}
	got = read[[]StreamState](t, a.do("GET", "/streams", ""))
	if len(got) != 5 || got[4].Name != "{query}:redrive" || got[4].Length != 1 {
		t.Errorf("after redriving: %+v", got)
	}
}
