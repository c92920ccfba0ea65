package main

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
	"newsfeed/services/query"
)

// A view that is not what the streams say: verify names what differs, rebuild
// mends it while the service runs, and both say so to people and programs.
func TestRebuildAndVerify(t *testing.T) {
	r := bustest.Start(t, "--appendonly", "no")
	s := &scene{t: t, client: r.Client(), bus: bus.New(t.Context(), r.Client(), bus.Options{Log: slog.New(slog.DiscardHandler)})}
	defer s.bus.Close()
	s.add(event.Posts, event.TypePostCreated, 0, -1, 0, `{"id":"p1","title":"first","version":1}`)
	s.add(event.Comments, event.TypeCommentCreated, 1, -1, 1, `{"postId":"p1","id":"c1","content":"hello","status":"pending","version":1}`)
	s.add(event.Comments, event.TypeCommentUpdated, 2, 1, 1, `{"postId":"p1","id":"c1","content":"hello","status":"approved","version":2}`)

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		environ := map[string]string{"REDIS_URL": r.URL(), "LISTEN_ADDR": "127.0.0.1:0"}
		cfg, err := web.Load[query.Config](environ)
		if err == nil {
			err = query.Run(ctx, cfg, slog.New(slog.DiscardHandler))
		}
		ended <- err
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	bustest.Eventually(t, 20*time.Second, "the service has folded everything", func() bool {
		for _, stream := range []string{postsStream, event.Stream(event.Comments)} {
			last, err := s.bus.Last(t.Context(), stream)
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := s.bus.Passed(t.Context(), stream, event.Query, last); err != nil || !ok {
				return false
			}
		}
		return true
	})

	c := newConsole(t, r)
	c.run("verify")
	c.run("verify", "--json")
	s.do("HDEL", "{query}:1:comments:p1", "c1")
	s.do("SET", "{query}:1:post:p1", `{"id":"p1","deleted":true}`)
	c.run("verify")
	c.run("verify", "--json")
	c.run("rebuild")
	c.run("verify")
	c.run("rebuild", "--json")
	c.run("rebuild", "now")
	c.golden("rebuild", func(text string) string {
		text = regexp.MustCompile(`\d+(\.\d+)?(µs|ms|s)\b`).ReplaceAllString(text, "<took>")
		return regexp.MustCompile(`(Ms": )\d+`).ReplaceAllString(text, "$1<ms>")
	})
}

// One that was told to stop has not found that all is well.
func TestVerifyBrokenOff(t *testing.T) {
	r := bustest.Start(t, "--appendonly", "no")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, name := range []string{"verify", "rebuild"} {
		cmd := newRoot(map[string]string{"REDIS_URL": r.URL()})
		cmd.SetArgs([]string{name})
		if err := cmd.ExecuteContext(ctx); web.ExitCode(err) != 1 || !strings.Contains(err.Error(), "broken off") {
			t.Errorf("%s says %v", name, err)
		}
	}
}
