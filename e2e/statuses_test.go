package e2e

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// operation is the request for an operation of a document, with an id that names
// nothing and a body that is as it must be.
func operation(service, op string) request {
	method, path, _ := strings.Cut(op, " ")
	id := "nothing"
	if strings.HasPrefix(path, "/dead/") { // those have a form
		id = base64.RawURLEncoding.EncodeToString([]byte("posts\n{posts}:events\n1-0"))
	}
	r := request{service: service, method: method, path: strings.ReplaceAll(path, "{id}", id)}
	switch op {
	case "POST /posts", "PATCH /posts/{id}":
		r.body = `{"title":"A post"}`
	case "POST /posts/{id}/comments", "PATCH /comments/{id}", "POST /moderation/check":
		r.body = `{"content":"A kind word"}`
	case "POST /moderation/decisions":
		r.body = `{"commentId":"nothing","version":1,"status":"approved"}`
	case "POST /moderation/blocks":
		r.body = `{"commentId":"nothing","kind":"author","then":"hold"}`
	case "POST /moderation/posts/{id}/takedown":
		r.body = `{"reason":"spam"}`
	case "POST /events":
		r.body = `{"type":"Greeting","data":{}}`
	}
	return r
}

// answers is once for an answer that has to have this status, 503 too.
func (s *system) answers(status int, r request) {
	s.t.Helper()
	a, err := s.once(r)
	if err != nil || a.status != status {
		s.t.Errorf("%s: %d %s (%v), want %d", r, a.status, a.body, err, status)
	}
}

// isProbe reports whether an operation is of those that every service has.
func isProbe(op string) bool {
	return op == "GET /livez" || op == "GET /readyz" || op == "GET /metrics"
}

func TestGuardedOperations(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	verdict := d.must(http.StatusOK, request{service: "moderator", method: "POST", path: "/moderation/check", body: `{"content":"pure racism"}`})
	if got := read[comment](d.system, verdict); got.Status != "rejected" || got.Reason == "" {
		t.Errorf("the moderator says %s", verdict.body)
	}
	guards := map[string]string{"moderator": "ADMIN_TOKEN", "eventbus": "BUS_TOKEN"}
	for service, variable := range guards {
		for _, op := range documents[service].Operations() {
			r := operation(service, op)
			if isProbe(op) {
				d.must(http.StatusOK, r.with("Host", "feed.example"))
				if op == "GET /metrics" {
					d.must(http.StatusForbidden, r.with("X-Forwarded-For", "192.0.2.1"))
				}
			} else if a := d.must(http.StatusForbidden, r.with("Host", "feed.example")); !strings.Contains(string(a.body), variable) {
				t.Errorf("%s: %s does not name %s", r, a.body, variable)
			}
		}
		d.configure(service, variable, "s3cret-of-16-bytes")
		for _, op := range documents[service].Operations() {
			if r := operation(service, op); !isProbe(op) {
				d.must(http.StatusUnauthorized, r)
				d.must(http.StatusUnauthorized, r.token("wrong").with("X-Forwarded-For", "192.0.2.7"))
				limited(d.system, r)
			}
		}
	}
	posting := operation("posts", "POST /posts")
	d.configure("posts", "POST_TOKEN", "s3cret-of-16-bytes")
	d.must(http.StatusUnauthorized, posting)
	d.configure("posts", "POST_TOKEN", "development")
	d.must(http.StatusForbidden, posting.token("development").with("Host", "feed.example"))
	d.process.stop()
}

// limited sends r with wrong tokens until its network has brought too many.
func limited(s *system, r request) {
	s.t.Helper()
	r = r.token("wrong").with("X-Forwarded-For", "192.0.2.8")
	for range 100 {
		a, err := s.once(r)
		if err != nil {
			s.t.Fatal(err)
		}
		if a.status == http.StatusTooManyRequests {
			if a.header.Get("Retry-After") == "" {
				s.t.Errorf("%s: 429 without Retry-After", r)
			}
			return
		}
	}
	s.t.Errorf("%s: a hundred wrong tokens are not too many", r)
}

func TestModeratorRefuses(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	const claim = "/moderation/queue/nothing/claim"
	for _, r := range []struct {
		status int
		request
	}{
		{http.StatusOK, request{path: "/moderation/queue"}},
		{http.StatusOK, request{path: "/moderation/rules"}},
		{http.StatusOK, request{path: "/moderation/log?status=approved&since=2026-01-02T15:04:05Z"}},
		{http.StatusNoContent, request{method: "DELETE", path: claim}},
		{http.StatusBadRequest, request{path: "/moderation/queue?limit=0"}},
		{http.StatusBadRequest, request{path: "/moderation/log?status=pending"}},
		{http.StatusBadRequest, request{path: "/moderation/log?since=yesterday"}},
		{http.StatusBadRequest, request{path: "/moderation/log?before=x"}},
		{http.StatusNotFound, request{method: "POST", path: claim}},
		{http.StatusNotFound, request{method: "DELETE", path: "/moderation/queue/no%20id/claim"}},
		{http.StatusNotFound, request{method: "POST", path: "/moderation/decisions", body: `{"commentId":"nothing","version":1,"status":"approved"}`}},
		{http.StatusOK, request{method: "POST", path: "/moderation/decisions", body: `{"decisions":[{"commentId":"nothing","version":1,"status":"approved"}]}`}},
		{http.StatusBadRequest, request{method: "POST", path: "/moderation/decisions", body: `{"decisions":[]}`}},
		{http.StatusRequestEntityTooLarge, request{method: "POST", path: "/moderation/decisions", body: `{"note":"` + strings.Repeat("x", 64<<10) + `"}`}},
		{http.StatusUnsupportedMediaType, request{method: "POST", path: "/moderation/decisions", body: "{}"}.with("Content-Type", "text/plain")},
	} {
		r.service = "moderator"
		s.must(r.status, r.request)
	}
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	s.must(http.StatusNotFound, request{service: "comments", path: "/comments/nothing/stream"})
	s.must(http.StatusNotFound, request{service: "query", path: "/posts/nothing/comments.atom"})
	for _, service := range services {
		metrics := request{service: service, path: "/metrics"}
		s.must(http.StatusOK, metrics)
		s.must(http.StatusForbidden, metrics.with("X-Forwarded-For", "192.0.2.1"))
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("A post")
	c := s.newComment(p.ID, "A kind word", "Bea")
	s.awaitStatus(c, "approved")
	for _, r := range []request{
		{service: "posts", path: "/posts"}, {service: "posts", path: "/posts/" + p.ID},
		{service: "comments", path: "/comments/all"}, {service: "comments", path: "/comments/" + c.ID},
		{service: "comments", path: "/posts/" + p.ID + "/comments"},
		{service: "query", path: "/posts"}, {service: "query", path: "/posts/" + p.ID},
		{service: "query", path: "/posts/" + p.ID + "/comments"},
		{service: "query", path: "/feed.atom"}, {service: "query", path: "/posts/" + p.ID + "/comments.atom"},
	} {
		tag := s.must(http.StatusOK, r).header.Get("ETag")
		if a := s.must(http.StatusNotModified, r.with("If-None-Match", `"other", `+tag)); a.header.Get("ETag") != tag {
			t.Errorf("%s: the ETag is %s, and then %s", r, tag, a.header.Get("ETag"))
		}
		s.must(http.StatusOK, r.with("If-None-Match", `"other"`))
	}
}

func TestWaitsInVain(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("A post")
	s.awaitPost(p.ID, true)
	one := request{service: "query", path: "/posts/" + p.ID}
	for query, status := range map[string]int{
		"?version=1": http.StatusOK, "?version=2": http.StatusGatewayTimeout, "?version=2&wait=50ms": http.StatusGatewayTimeout,
		"?version=1&comment=unknown": http.StatusGatewayTimeout, "?version=0": http.StatusBadRequest, "?wait=1s": http.StatusBadRequest,
		"?version=1&wait=11s": http.StatusBadRequest, "?version=1&comment=all": http.StatusBadRequest,
	} {
		r := one
		r.path += query
		s.must(status, r)
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	d.configure("query", "STREAMS_PER_ADDRESS", "1")
	for _, replica := range d.replicas["query"] {
		d.listen(replica, "")
		stream := request{service: "query", path: "/posts/stream"}
		if a, err := d.send(replica, stream); err != nil || a.status != http.StatusTooManyRequests {
			t.Errorf("a second stream: %d (%v)", a.status, err)
		}
	}
	c := d.newComment(d.newPost("A post").ID, "A kind word", "Bea")
	d.awaitStatus(c, "approved")
	d.configure("comments", "STREAMS_PER_ADDRESS", "1")
	d.own(c)
	own := request{path: "/comments/" + c.ID + "/stream"}.token(c.EditToken)
	if a, err := d.send(d.replicas["comments"][0], own); err != nil || a.status != http.StatusTooManyRequests {
		t.Errorf("a second stream of one's comment: %d (%v)", a.status, err)
	}
	for range 100 {
		d.listenTo(d.process, "/events/stream", "")
	}
	d.must(http.StatusTooManyRequests, request{service: "eventbus", path: "/events/stream"})

	d.configure("query", "READ_LIMIT", "1/h,burst=1")
	for _, replica := range d.replicas["query"] { // each has a count of its own
		spend := request{service: "query", path: "/posts?limit=7"}.with("X-Forwarded-For", "192.0.2.1")
		if a, err := d.send(replica, spend); err != nil || a.status != http.StatusOK {
			t.Errorf("the first answer that must be made: %d %s (%v)", a.status, a.body, err)
		}
	}
	for _, op := range documents["query"].Operations() {
		if r := operation("query", op).with("X-Forwarded-For", "192.0.2.1"); !isProbe(op) && r.path != "/posts/stream" {
			d.must(http.StatusTooManyRequests, r)
		}
	}
	for _, service := range []string{"posts", "comments"} {
		d.configure(service, "RATE_LIMIT", "1/h,burst=1")
		var writes []request
		for _, op := range documents[service].Operations() {
			if !strings.HasPrefix(op, "GET") {
				writes = append(writes, operation(service, op))
			}
		}
		if a, err := d.once(writes[0]); err != nil || a.status == http.StatusTooManyRequests {
			t.Errorf("the first write: %d %s (%v)", a.status, a.body, err)
		}
		for _, r := range writes {
			d.must(http.StatusTooManyRequests, r)
		}
	}
	d.process.stop()
}

// Without Redis every operation that needs it says when to try again.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	d.redis.Kill()
	for service, document := range documents {
		for _, op := range document.Operations() {
			r := operation(service, op)
			switch op {
			case "GET /livez", "GET /metrics", "GET /moderation/rules", "POST /moderation/check":
				d.must(http.StatusOK, r)
			case "GET /posts/stream", "GET /events/stream": // wait for it
			default:
				d.answers(http.StatusServiceUnavailable, r)
			}
		}
	}
	// One that has started meanwhile does not know where its stream begins.
	query := d.replicas["query"][:1]
	d.replicas["query"] = query
	query[0].stop()
	query[0].start()
	d.eventually("query listens", func() string {
		if _, err := d.send(query[0], request{path: "/livez"}); err != nil {
			return err.Error()
		}
		return ""
	})
	d.answers(http.StatusServiceUnavailable, request{service: "query", path: "/posts/stream"})
	d.redis.Restart()
	d.ready(append(slices.Clone(services), "eventbus")...)
	d.process.stop()
}
