package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bustest"
)

// sameAnswer fails the test if two answers differ in what a client goes by.
func sameAnswer(t *testing.T, what string, got, want answer) {
	t.Helper()
	if got.status != want.status || !bytes.Equal(got.body, want.body) {
		t.Errorf("%s: %d %s\nwant %d %s", what, got.status, got.body, want.status, want.body)
	}
	for _, name := range []string{"Location", "ETag", "Content-Type", "Cache-Control"} {
		if got.header.Get(name) != want.header.Get(name) {
			t.Errorf("%s: %s %q, want %q", what, name, got.header.Get(name), want.header.Get(name))
		}
	}
}

// entries is how many events a service has written.
func (s *system) entries(service string) int64 {
	s.t.Helper()
	n, err := s.redis.Client().XLen(s.t.Context(), "{"+service+"}:events").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestSameKeyAtOnce(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("To comment on")
	s.awaitStatus(s.newComment(p.ID, "First", "Bea"), "approved")
	posting := request{service: "posts", method: "POST", path: "/posts", body: object(map[string]string{"title": "Once", "author": "Ada"})}
	for _, r := range []request{posting, commenting(p.ID, "Once", "Bea")} {
		const times = 50
		r = r.with("Idempotency-Key", "at-once-0123456789")
		before := s.entries(r.service)
		s.stop("moderator") // its verdicts would be entries, too
		answers := make([]answer, times)
		var g errgroup.Group
		for i := range times {
			g.Go(func() (err error) {
				answers[i], err = s.once(r)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if answers[0].status != http.StatusCreated || read[post](s, answers[0]).EditToken == "" {
			t.Fatalf("%s: %d %s", r, answers[0].status, answers[0].body)
		}
		for i, a := range answers {
			sameAnswer(t, fmt.Sprintf("%s, answer %d", r, i), a, answers[0])
		}
		if made := s.entries(r.service) - before; made != 1 {
			t.Errorf("%s: %d were made, want 1", r, made)
		}
		s.start("moderator")
		s.ready("moderator")
	}
}

func TestSameKeyLater(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p, other := s.newPost("To comment on"), s.newPost("Another")
	posting := request{service: "posts", method: "POST", path: "/posts", body: `{"title":"Once","author":"Ada"}`}.
		with("Idempotency-Key", "later-0123456789")
	// The key has been used for a post: comments has its own.
	remark := commenting(p.ID, "Once", "Bea").with("Idempotency-Key", "later-0123456789")
	firstPost, first := s.must(http.StatusCreated, posting), s.must(http.StatusCreated, remark)
	c := read[comment](s, first)
	c.PostID = p.ID
	s.awaitStatus(c, "approved")
	sameAnswer(t, "after the verdict", s.must(http.StatusCreated, remark), first)

	respelt := remark
	respelt.body = "{ \"author\": \" Bea \",\n\"content\":\"\\u004fnce\"}"
	sameAnswer(t, "spelt in another way", s.must(http.StatusCreated, respelt), first)
	for _, changed := range []request{commenting(p.ID, "Twice", "Bea"), commenting(p.ID, "Once", "Cid"), commenting(other.ID, "Once", "Bea")} {
		s.must(http.StatusUnprocessableEntity, changed.with("Idempotency-Key", "later-0123456789"))
	}
	s.must(http.StatusCreated, remark.with("Idempotency-Key", "Later-0123456789"))
	another := posting
	another.body = `{"title":"Twice","author":"Ada"}`
	s.must(http.StatusUnprocessableEntity, another)

	edit := request{service: "comments", method: "PATCH", path: "/comments/" + c.ID, body: `{"content":"Edited"}`}.token(c.EditToken)
	s.must(http.StatusOK, edit)
	sameAnswer(t, "after an edit", s.must(http.StatusCreated, remark), first)
	s.must(http.StatusNoContent, request{service: "comments", method: "DELETE", path: "/comments/" + c.ID}.token(c.EditToken))
	sameAnswer(t, "after its deletion", s.must(http.StatusCreated, remark), first)

	s.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: "/posts/" + p.ID}.token(p.EditToken))
	s.eventually("comments knows that the post is gone", func() string {
		a, err := s.do(commenting(p.ID, "Too late", "Bea"))
		if err != nil || a.status != http.StatusNotFound {
			return string(a.body)
		}
		return ""
	})
	sameAnswer(t, "after its post's deletion", s.must(http.StatusCreated, remark), first)

	made := read[post](s, firstPost)
	s.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: "/posts/" + made.ID}.token(made.EditToken))
	sameAnswer(t, "a post after its deletion", s.must(http.StatusCreated, posting), firstPost)
	s.must(http.StatusNotFound, request{service: "posts", path: "/posts/" + made.ID})
}

// A proxy swallows Redis's reply, and the process is killed before it can ask
// again: whoever asks in its place learns what was made.
func TestKilledBeforeItAnswers(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("To comment on")
	s.awaitStatus(s.newComment(p.ID, "First", "Bea"), "approved")
	posting := request{service: "posts", method: "POST", path: "/posts", body: `{"title":"Once","author":"Ada"}`}
	for _, r := range []request{posting, commenting(p.ID, "racism", "Bea")} {
		const key = "killed-0123456789"
		proxy := bustest.NewProxy(t, s.redis.Addr())
		lonely := newProcess(t, r.service, r.service+"-lonely", "redis://"+proxy.Addr())
		s.replicas[r.service] = append(s.replicas[r.service], lonely)
		lonely.start()
		s.ready(r.service)
		before := s.entries(r.service)
		s.stop("moderator")

		r = r.with("Idempotency-Key", key)
		proxy.SwallowReply(":idem:"+key, 1_000)
		ctx, cancel := context.WithCancel(t.Context())
		var g errgroup.Group
		g.Go(func() error {
			defer cancel()
			a, err := s.send(lonely, r)
			if err == nil && a.status != http.StatusServiceUnavailable {
				return fmt.Errorf("it knows what it cannot know: %d %s", a.status, a.body)
			}
			return nil
		})
		s.eventually("a reply is swallowed", func() string {
			if proxy.Lost() == 0 && ctx.Err() == nil {
				return "none is"
			}
			return ""
		})
		lonely.kill()
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if made := s.entries(r.service) - before; made != 1 {
			t.Fatalf("%s: %d were made before the process was killed, want 1", r, made)
		}

		// The two others, and the one that was killed.
		proxy.SwallowReply("", 0)
		lonely.start()
		s.ready(r.service)
		first := s.must(http.StatusCreated, r)
		for _, replica := range s.replicas[r.service] {
			a, err := s.send(replica, r)
			if err != nil {
				t.Fatal(err)
			}
			sameAnswer(t, replica.env["INSTANCE"], a, first)
		}
		if made := s.entries(r.service) - before; made != 1 {
			t.Errorf("%s: %d were made, want 1", r, made)
		}
		thing := read[comment](s, first)
		one := request{service: r.service, path: first.header.Get("Location")}
		s.must(http.StatusOK, one)
		one.method, one.body = "PATCH", `{"author":"Cid"}`
		s.must(http.StatusOK, one.token(thing.EditToken))
		s.start("moderator")
		s.ready("moderator")
	}
}
