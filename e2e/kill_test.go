package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	comments = 500
	writers  = 8
)

// crowd writes comments all at once and keeps account of the answers.
type crowd struct {
	s        *system
	posts    []post
	answered atomic.Int64
	lost     atomic.Int64 // answers that say neither yes nor no

	mu       sync.Mutex
	accepted map[string]string // id to the status that must become of it
}

func newCrowd(s *system) *crowd {
	c := &crowd{s: s, accepted: map[string]string{}}
	for i := range 5 {
		c.posts = append(c.posts, s.newPost("Post "+strconv.Itoa(i)))
	}
	return c
}

// write has every comment written until it is answered with 201.
func (c *crowd) write(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for w := range writers {
		g.Go(func() error {
			for n := w; n < comments; n += writers {
				if err := c.writeOne(ctx, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (c *crowd) writeOne(ctx context.Context, n int) error {
	text, want := "fine", "approved"
	if n%7 == 0 {
		text, want = "racism", "rejected"
	}
	for try := 0; ctx.Err() == nil; try++ {
		a, err := c.s.once(commenting(c.posts[n%len(c.posts)].ID, fmt.Sprintf("%s %d %d", text, n, try), "Bea"))
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
		case err != nil || a.status == http.StatusServiceUnavailable:
			c.lost.Add(1)
		case a.status == http.StatusCreated:
			c.mu.Lock()
			c.accepted[read[comment](c.s, a).ID] = want
			c.mu.Unlock()
			c.answered.Add(1)
			return nil
		default:
			return fmt.Errorf("comment %d: status %d: %s", n, a.status, a.body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}

// during writes all comments, and meanwhile does each step when that share of
// them has been answered.
func (c *crowd) during(steps ...func()) {
	c.s.t.Helper()
	ctx, cancel := context.WithTimeout(c.s.t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.write(ctx) }()
	for i, step := range steps {
		share := int64((i + 1) * comments / (len(steps) + 1))
		c.s.eventually(fmt.Sprintf("%d comments are answered", share), func() string {
			if n := c.answered.Load(); n < share {
				return strconv.FormatInt(n, 10)
			}
			return ""
		})
		step()
	}
	if err := <-done; err != nil {
		c.s.t.Fatal(err)
	}
}

// check waits until comments and query agree on every comment, and that every
// one that was accepted is there once, with the right verdict.
func (c *crowd) check() {
	c.s.t.Helper()
	for _, service := range []string{"comments", "query"} {
		c.s.eventually("every comment is judged in "+service, func() string { return c.wrong(service) })
	}
	in := func(service string) map[string]string {
		statuses, _ := c.statuses(service)
		return statuses
	}
	stored, shown := in("comments"), in("query")
	if len(stored) != len(shown) {
		c.s.t.Errorf("%d comments are stored and %d shown", len(stored), len(shown))
	}
	for id, status := range stored {
		if shown[id] != status {
			c.s.t.Errorf("comment %s is %q in comments and %q in query", id, status, shown[id])
		}
	}
	approved := int64(0)
	for _, p := range list[post](c.s, "query", "/posts") {
		approved += p.CommentCount
	}
	for _, status := range shown {
		if status == "approved" {
			approved--
		}
	}
	if approved != 0 {
		c.s.t.Errorf("commentCount is off by %d", approved)
	}
	c.s.t.Logf("%d accepted, %d answers lost, %d stored", len(c.accepted), c.lost.Load(), len(stored))
}

func (c *crowd) wrong(service string) string {
	statuses, double := c.statuses(service)
	if double != "" {
		return double + " is there twice"
	}
	if extra := len(statuses) - comments; extra > int(c.lost.Load()) {
		return fmt.Sprintf("%d comments more than were accepted, and only %d answers were lost", extra, c.lost.Load())
	}
	for id, want := range c.accepted {
		if statuses[id] != want {
			return fmt.Sprintf("%s is %q, want %q", id, statuses[id], want)
		}
	}
	for id, status := range statuses {
		if status != "approved" && status != "rejected" {
			return id + " is " + status
		}
	}
	return ""
}

// statuses returns the status of every comment of the crowd's posts by id, and
// the id of one that is listed twice.
func (c *crowd) statuses(service string) (statuses map[string]string, double string) {
	c.s.t.Helper()
	statuses = map[string]string{}
	for _, p := range c.posts {
		for _, found := range list[comment](c.s, service, "/posts/"+p.ID+"/comments?limit=100") {
			if _, twice := statuses[found.ID]; twice {
				double = found.ID
			}
			statuses[found.ID] = found.Status
		}
	}
	return statuses, double
}

func TestKilledServicesLoseNothing(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	c := newCrowd(s)
	var steps []func()
	for _, name := range services {
		steps = append(steps, func() {
			s.kill(name)
			s.start(name)
		})
	}
	c.during(steps...)
	c.check()
}

func TestKilledRedisLosesNothing(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	c := newCrowd(s)
	c.during(func() {
		s.redis.Kill()
		s.eventually("a writer is told to come again", func() string {
			if c.lost.Load() == 0 {
				return "none is"
			}
			return ""
		})
		s.redis.Restart()
	})
	c.check()
}
