package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// A Redis that is nearly full, or full, refuses new texts. Comments that wait get their
// verdict, texts can be deleted, and people who moderate and administrate go on.
func TestMemoryRunsOut(t *testing.T) {
	t.Parallel()
	const admin = "the token of the administrator"
	settings := moderated(t)
	settings["ADMIN_TOKEN"] = admin
	s := startSystem(t, settings)
	bus := newProcess(t, "eventbus", "eventbus-0", s.redis.URL())
	bus.env["BUS_TOKEN"] = admin
	s.replicas["eventbus"] = []*process{bus}
	s.start("eventbus")
	s.ready("eventbus")
	for _, percent := range []int{89, 91, 102} {
		t.Run(fmt.Sprint(percent), func(t *testing.T) { s.withMemory(t, percent, admin) })
	}
}

// withMemory does all that can be asked for with so much memory used.
func (s *system) withMemory(t *testing.T, percent int, admin string) {
	p, doomed := s.newPost("Before"), s.newPost("To be deleted")
	held, below := s.newComment(p.ID, "hmm", "Bea"), s.newComment(doomed.ID, "below", "Bea")
	held.PostID, below.PostID = p.ID, doomed.ID
	h := s.awaitHeld(held)
	s.awaitStatus(below, "approved")
	waiting := s.leaveWork(p, 10)
	if err := bustest.Fill(t.Context(), s.redis.Client(), percent); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.redis.Client().ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
			t.Error(err)
		}
	}()
	for i := range s.newTexts(p, waiting[0], admin) {
		if percent < 90 {
			r := s.newTexts(p, waiting[0], admin)[i]
			if a, err := s.once(r); err != nil || a.status >= 300 {
				t.Errorf("%s: %d %s %v", r, a.status, a.body, err)
			}
			continue
		}
		bustest.Settles(t, patience, "new texts are refused", func() string { // the memory is read every 250 ms
			r := s.newTexts(p, waiting[0], admin)[i]
			a, err := s.once(r)
			var problem struct{ Type string }
			_ = json.Unmarshal(a.body, &problem)
			if err != nil || a.status != http.StatusServiceUnavailable || problem.Type != "urn:newsfeed:problem:storage-full" ||
				a.header.Get("Retry-After") == "" {
				return fmt.Sprintf("%s: %d %s %v %v", r, a.status, a.body, a.header, err)
			}
			return ""
		})
	}
	s.signal("moderator", syscall.SIGCONT)
	s.decideWhenScarce(t, admin, p, doomed, h, held, below, waiting)
}

// newTexts returns a request of each kind that brings a new text, another one each time.
func (s *system) newTexts(p post, c comment, admin string) []request {
	text := fmt.Sprintf("New, %d", s.turn.Add(1))
	return []request{
		{service: "posts", method: "POST", path: "/posts", body: object(map[string]string{"title": text})},
		request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: object(map[string]string{"title": text})}.token(p.EditToken),
		commenting(p.ID, text, "Bea"),
		request{service: "comments", method: "PATCH", path: "/comments/" + c.ID, body: object(map[string]string{"content": text})}.token(c.EditToken),
		request{
			service: "eventbus", method: "POST", path: "/events", body: `{"type":"PostCreated","data":{"id":"x","title":"` + text + `"}}`,
		}.token(admin),
	}
}

// decideWhenScarce asks for what goes on in any case.
func (s *system) decideWhenScarce(t *testing.T, admin string, p, doomed post, h heldComment, held, below comment, waiting []comment) {
	t.Helper()
	ok := func(status int, r request) answer {
		t.Helper()
		a, err := s.once(r)
		if err != nil || a.status != status {
			t.Errorf("%s: %d %s %v, want %d", r, a.status, a.body, err, status)
		}
		return a
	}
	remove := func(service, id string) request {
		return request{service: service, method: "DELETE", path: "/" + service + "/" + id}
	}
	for _, c := range waiting[1:] {
		s.awaitStatus(c, "approved")
	}
	ok(http.StatusOK, deciding(ann, held, h.Version, "rejected", ""))
	s.awaitStatus(held, "rejected")
	ok(http.StatusNoContent, remove("comments", waiting[1].ID).token(waiting[1].EditToken))
	ok(http.StatusNoContent, remove("posts", doomed.ID).token(doomed.EditToken))
	s.awaitPost(doomed.ID, false)
	bustest.Settles(t, patience, "the comments of a deleted post are deleted", func() string {
		if a, err := s.once(request{service: "comments", path: "/comments/" + below.ID}); err != nil || a.status != http.StatusNotFound {
			return fmt.Sprint(a.status, err)
		}
		return ""
	})
	made := read[post](s, ok(http.StatusCreated, request{service: "posts", method: "POST", path: "/posts", body: `{"title":"We are full"}`}.token(admin)))
	ok(http.StatusOK, request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: fmt.Sprintf(`{"title":"By the administrator, %d"}`, time.Now().UnixNano())}.token(admin))
	ok(http.StatusNoContent, remove("comments", waiting[2].ID).token(admin))
	ok(http.StatusNoContent, remove("posts", made.ID).token(admin))
	ok(http.StatusOK, request{service: "eventbus", method: "POST", path: "/events",
		body: fmt.Sprintf(`{"type":"PostDeleted","data":{"id":%q}}`, p.ID)}.token(admin))
	s.awaitPost(p.ID, false)
}
