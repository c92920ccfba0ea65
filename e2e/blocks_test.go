package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Somebody who keeps at it is held and then refused, and their post taken down.
func TestBlocksAndTakedowns(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	p := s.newPost("A post")
	// Each client is an author of its own.
	write := func(from, content string) comment {
		r := commenting(p.ID, content, "Eve").with("X-Forwarded-For", from)
		return read[comment](s, s.must(http.StatusCreated, r))
	}
	first := write("192.0.2.1", "hmm")
	s.awaitHeld(first)
	block := func(status int, then string) (b struct{ ID, Kind, Then, By string }) {
		body := fmt.Sprintf(`{"commentId":%q,"kind":"author","then":%q,"reason":"keeps at it"}`, first.ID, then)
		return read[struct{ ID, Kind, Then, By string }](s, s.must(status, moderate(ann, "POST", "blocks", body)))
	}
	if b := block(http.StatusCreated, "hold"); b.Then != "hold" || b.By != "ann" || b.Kind != "author" {
		t.Errorf("block %+v", b)
	}
	if h := s.awaitHeld(write("192.0.2.1", "kind words")); h.Rule != "blocked author" {
		t.Errorf("held by %q", h.Rule)
	}
	s.awaitStatus(write("192.0.2.2", "kind words of a neighbour"), "approved")
	b := block(http.StatusOK, "reject")
	s.awaitStatus(write("192.0.2.1", "more kind words"), "rejected")
	network := fmt.Sprintf(`{"commentId":%q,"kind":"network","then":"hold"}`, first.ID)
	s.must(http.StatusCreated, moderate(bob, "POST", "blocks", network))
	s.awaitHeld(write("192.0.2.3", "kind words of another neighbour"))
	s.awaitStatus(write("198.51.100.1", "kind words from elsewhere"), "approved")
	if list := string(s.must(http.StatusOK, moderate(ann, "GET", "blocks", "")).body); strings.Count(list, `"kind"`) != 2 {
		t.Errorf("blocks: %s", list)
	}
	for path, status := range map[string]int{"blocks/" + b.ID: http.StatusNoContent, "blocks/nothing": http.StatusNotFound} {
		s.must(status, moderate(ann, "DELETE", path, ""))
	}

	big := `{"reason":"` + strings.Repeat("x", 64<<10) + `"}`
	for _, path := range []string{"blocks", "posts/" + p.ID + "/takedown"} {
		s.must(http.StatusBadRequest, moderate(ann, "POST", path, `{}`))
		s.must(http.StatusRequestEntityTooLarge, moderate(ann, "POST", path, big))
		s.must(http.StatusUnsupportedMediaType, moderate(ann, "POST", path, `{}`).with("Content-Type", "text/plain"))
	}
	s.must(http.StatusBadRequest, moderate(ann, "GET", "blocks?limit=0", ""))
	s.must(http.StatusNotFound, moderate(ann, "POST", "blocks", `{"commentId":"nothing","kind":"author","then":"hold"}`))
	s.must(http.StatusNotFound, moderate(ann, "POST", "posts/nothing/takedown", `{"reason":"spam"}`))

	order := moderate(ann, "POST", "posts/"+p.ID+"/takedown", `{"reason":"spam","note":"Please read the rules."}`)
	s.must(http.StatusAccepted, order)
	s.must(http.StatusAccepted, order)
	s.awaitPost(p.ID, false)
	own := request{service: "posts", path: "/posts/" + p.ID}
	if a := s.must(http.StatusNotFound, own.token(p.EditToken)); !strings.Contains(string(a.body), "Please read the rules.") {
		t.Errorf("its author is not told why: %s", a.body)
	}
	if a := s.must(http.StatusNotFound, own); strings.Contains(string(a.body), "spam") {
		t.Errorf("everybody is told why: %s", a.body)
	}
	log := string(s.must(http.StatusOK, moderate(ann, "GET", "log?action=takedown", "")).body)
	if strings.Count(log, `"takedown"`) != 1 {
		t.Errorf("log of takedowns: %s", log)
	}
	s.noDeadLetters()
}

// An author of whom nothing is known cannot be blocked: comments of other programs
// have no key.
func TestBlockOfNobody(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	p := d.newPost("A post")
	d.awaitPost(p.ID, true)
	d.must(http.StatusOK, request{service: "eventbus", method: "POST", path: "/events", body: fmt.Sprintf(
		`{"type":"CommentCreated","data":{"id":"theirs","postId":%q,"content":"pure racism"}}`, p.ID)})
	block := request{service: "moderator", method: "POST", path: "/moderation/blocks", body: `{"commentId":"theirs","kind":"author","then":"hold"}`}
	d.eventually("the comment is judged", func() string {
		a, err := d.do(block)
		if err != nil || a.status != http.StatusUnprocessableEntity {
			return fmt.Sprintf("status %d (%v)", a.status, err)
		}
		return ""
	})
	d.process.stop()
}

func TestEditTokensAreRevoked(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("A post")
	c := s.newComment(p.ID, "A kind word", "Bea")
	type thing struct {
		service, path, token, body string
	}
	things := []thing{
		{"posts", "/posts/" + p.ID, p.EditToken, `{"title":"Edited"}`},
		{"comments", "/comments/" + c.ID, c.EditToken, `{"content":"Edited"}`},
	}
	for _, it := range things {
		tokens := request{service: it.service, method: "POST", path: it.path + "/edit-token"}
		edit := request{service: it.service, method: "PATCH", path: it.path, body: it.body}
		revoke := tokens
		revoke.method = "DELETE"
		s.must(http.StatusForbidden, tokens.with("Host", "feed.example"))
		s.must(http.StatusForbidden, revoke.with("Host", "feed.example"))
		s.must(http.StatusOK, edit.token(it.token))
		next := read[struct{ EditToken string }](s, s.must(http.StatusCreated, tokens)).EditToken
		s.must(http.StatusUnauthorized, edit.token(it.token))
		s.must(http.StatusOK, edit.token(next))
		s.must(http.StatusNoContent, revoke)
		s.must(http.StatusUnauthorized, edit.token(next))

		s.configure(it.service, "ADMIN_TOKEN", "s3cret-of-16-bytes")
		s.must(http.StatusUnauthorized, tokens.token(it.token))
		s.must(http.StatusUnauthorized, revoke.token(it.token))
		revoke.path, tokens.path = "/"+it.service+"/nothing/edit-token", "/"+it.service+"/nothing/edit-token"
		s.must(http.StatusNotFound, revoke.token("s3cret-of-16-bytes"))
		s.must(http.StatusNotFound, tokens.token("s3cret-of-16-bytes"))
	}
}
