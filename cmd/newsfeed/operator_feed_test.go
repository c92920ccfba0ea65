package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// TestRejectedComment follows a comment through the services themselves.
func TestRejectedComment(t *testing.T) {
	r := bustest.Start(t)
	b := newTestBus(t, r)
	startServices(t, r)
	hello, text := "Hello", "pure racism"
	p, err := event.New("someone", event.TypePostCreated, event.Post{ID: "p1", Title: &hello}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pending := event.Pending
	comment, err := event.New("someone", event.TypeCommentCreated, event.Comment{PostID: "p1", ID: "c1", Content: &text, Status: &pending}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []event.Event{p, comment} {
		if _, err := b.Publish(t.Context(), event.Stream(event.Owner(e.Type)), e); err != nil {
			t.Fatal(err)
		}
	}
	bustest.Eventually(t, tailPatience, "the comment is judged and everything is done", func() bool {
		infos, err := b.Streams(context.Background(), streams()...)
		if err != nil || infos[1].Length < 2 || infos[2].Length < 1 {
			return false
		}
		for _, info := range infos {
			for _, g := range info.Groups {
				if g.Lag == nil || *g.Lag+g.Pending > 0 {
					return false
				}
			}
		}
		return true
	})
	c := newConsole(t, r)
	c.run("inspect", comment.ID)
	c.golden("rejected", numbered)
}

// startServices runs all that read streams, until the test ends.
func startServices(t *testing.T, r *bustest.Redis) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	for _, s := range allServices() {
		run, err := s.prepare(map[string]string{
			"REDIS_URL": r.URL(), "LISTEN_ADDR": "127.0.0.1:0", "INSTANCE": s.name + "-1", "LOG_LEVEL": "error",
		})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := run(ctx, quietLog()); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		})
	}
}

// TestRedriveHeals lets one group of two fail, mends its handler, and sends the
// dead letters back.
func TestRedriveHeals(t *testing.T) {
	r := bustest.Start(t)
	b := newTestBus(t, r)
	var mu sync.Mutex
	met := map[string]int{} // group and title, how often
	broken := true
	consume := func(group string) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = b.Consume(ctx, bus.Subscription{Group: group, Consumer: group + "-1", Streams: []string{postsStream}},
				func(_ context.Context, e bus.Entry) error {
					mu.Lock()
					defer mu.Unlock()
					met[group+" "+e.Event.ID]++
					if group == "query" && broken {
						return bus.Permanent(fmt.Errorf("cannot fold %s", e.Event.Type))
					}
					return nil
				})
		})
		return func() { cancel(); wg.Wait() }
	}
	t.Cleanup(consume(event.Query))
	t.Cleanup(consume(event.Comments))
	const n = 3 // below what the brake allows to fail in a row
	var ids []string
	for i := range n {
		e := post(t, fmt.Sprint("post ", i))
		ids = append(ids, e.ID)
		publish(t, b, e)
	}
	deadLetters := func(n int64) func() bool {
		return func() bool {
			dead, err := b.DeadCount(context.Background(), event.Query)
			return err == nil && dead == n
		}
	}
	bustest.Eventually(t, tailPatience, "all are dead letters of query", deadLetters(n))
	handled := func(times int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range ids {
				if met["query "+id] != times || met["comments "+id] != 1 {
					return false
				}
			}
			return true
		}
	}
	bustest.Eventually(t, tailPatience, "both groups have met each once", handled(1))

	c := newConsole(t, r)
	c.run("dead", "redrive", "--all")
	bustest.Eventually(t, tailPatience, "query has failed again", handled(2))
	bustest.Eventually(t, tailPatience, "all are dead letters again", deadLetters(n))
	mu.Lock()
	broken = false // the fix
	mu.Unlock()
	if _, code := c.run("dead", "redrive", "--all"); code != 0 {
		t.Errorf("exit code %d\n%s", code, c.written.String())
	}
	bustest.Eventually(t, tailPatience, "query is healed, and comments has met nothing again", handled(3))
	bustest.Eventually(t, tailPatience, "nothing is left", func() bool {
		infos, err := b.Streams(context.Background(), bus.RedriveStream(event.Query))
		return err == nil && infos[0].Length == 0 && infos[0].Groups[0].Pending == 0
	})
	if !deadLetters(0)() || !handled(3)() {
		t.Errorf("met %v", met)
	}
	c.run("dead", "list")
	c.golden("heals")
}
