package e2e

import (
	"net/http"
	"testing"
)

func TestOthersWorkWhileOneIsDown(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("Before")
	s.awaitStatus(s.newComment(p.ID, "Before", "Bea"), "approved")

	// back starts a service again and waits until all is as it must be.
	back := func(name string) {
		t.Helper()
		s.start(name)
		s.ready(name)
		next := s.newPost("After " + name)
		s.awaitStatus(s.newComment(next.ID, "After "+name, "Bea"), "approved")
	}

	s.stop("posts")
	s.awaitStatus(s.newComment(p.ID, "Without posts", "Bea"), "approved")
	s.must(http.StatusNotFound, commenting("unknown", "Without posts", "Bea"))
	s.must(http.StatusOK, request{service: "query", path: "/posts"})
	back("posts")

	s.kill("moderator")
	waiting := s.newComment(p.ID, "Without moderator", "Bea")
	rejected := s.newComment(p.ID, "racism without moderator", "Bea")
	for _, c := range []comment{waiting, rejected} {
		if got := s.awaitStatus(c, "pending"); got.Content != "" || got.Author != "" {
			t.Errorf("not judged yet: %+v", got)
		}
	}
	s.awaitPost(s.newPost("Without moderator").ID, true)
	back("moderator")
	s.awaitStatus(waiting, "approved")
	s.awaitStatus(rejected, "rejected")

	s.stop("query")
	unseen := s.newPost("Without query")
	c := s.newComment(unseen.ID, "Without query", "Bea")
	s.eventually("the comment is approved without query", func() string {
		got := read[comment](s, s.must(http.StatusOK, request{service: "comments", path: "/comments/" + c.ID}))
		if got.Status != "approved" {
			return got.Status
		}
		return ""
	})
	back("query")
	s.awaitStatus(c, "approved")

	s.kill("comments")
	fresh := s.newPost("Without comments")
	s.awaitPost(fresh.ID, true)
	s.must(http.StatusOK, request{service: "query", path: "/posts/" + p.ID + "/comments"})
	back("comments")
	s.awaitStatus(s.newComment(fresh.ID, "Later", "Bea"), "approved")
}

func TestStopWithoutRedis(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("Before")
	s.awaitPost(p.ID, true)
	s.redis.Kill()
	for _, name := range services {
		for _, replica := range s.replicas[name] {
			s.eventually(replica.env["INSTANCE"]+" is not ready", func() string {
				a, err := s.send(replica, request{path: "/readyz"})
				if err != nil || a.status != http.StatusServiceUnavailable {
					return "it is"
				}
				return ""
			})
		}
	}
	body := object(map[string]string{"title": "Nowhere to store"})
	a, err := s.once(request{service: "posts", method: "POST", path: "/posts", body: body})
	if err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("a post without Redis: %d %v %v, want 503 with Retry-After", a.status, a.header, err)
	}
	for _, name := range services {
		s.stop(name)
		s.start(name) // it waits for Redis
	}
	for _, name := range services {
		s.stop(name)
		s.start(name)
	}
	s.redis.Restart()
	s.ready(services...)
	s.awaitStatus(s.newComment(p.ID, "After", "Bea"), "approved")
}
