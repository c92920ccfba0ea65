package e2e

import (
	"net/http"
	"testing"
)

func TestCommentIsJudged(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("First")
	s.awaitPost(p.ID, true)

	good := s.newComment(p.ID, "A kind word", "Bea")
	if good.Status != "pending" || good.Content != "A kind word" || good.EditToken == "" {
		t.Fatalf("new comment: %+v", good)
	}
	if got := s.awaitStatus(good, "approved"); got.Content != "A kind word" || got.Author != "Bea" {
		t.Errorf("approved comment: %+v", got)
	}
	bad := s.newComment(p.ID, "This is Racism!", "Cid")
	if got := s.awaitStatus(bad, "rejected"); got.Content != "" || got.Author != "" {
		t.Errorf("rejected comment: %+v", got)
	}

	one := request{service: "comments", method: "GET", path: "/comments/" + bad.ID}
	if got := read[comment](s, s.must(http.StatusOK, one)); got.Content != "" || got.Author != "" || got.Reason != "" {
		t.Errorf("without its token: %+v", got)
	}
	if got := read[comment](s, s.must(http.StatusOK, one.token(bad.EditToken))); got.Content != "This is Racism!" || got.Author != "Cid" {
		t.Errorf("with its token: %+v", got)
	}
	s.must(http.StatusUnauthorized, one.token(good.EditToken))

	if got := read[post](s, s.must(http.StatusOK, request{service: "query", path: "/posts/" + p.ID})); got.CommentCount != 1 {
		t.Errorf("commentCount %d, want 1, the approved one", got.CommentCount)
	}
}

func TestCommentIsEditedAndDeleted(t *testing.T) {
	t.Parallel()
	s := startSystem(t, map[string]string{"ADMIN_TOKEN": "a token of the admin"})
	p := s.newPost("First")
	c := s.newComment(p.ID, "A kind word", "Bea")
	s.awaitStatus(c, "approved")

	edit := request{service: "comments", method: "PATCH", path: "/comments/" + c.ID, body: `{"content":"terrorism"}`}
	s.must(http.StatusUnauthorized, edit)
	s.must(http.StatusUnauthorized, edit.token("wrong"))
	s.must(http.StatusUnauthorized, edit.token(p.EditToken))
	s.must(http.StatusPreconditionFailed, edit.token(c.EditToken).with("If-Match", `"99"`))
	// The verdict has raised the version since, which is not held against the author.
	a := s.must(http.StatusOK, edit.token(c.EditToken).with("If-Match", `"1"`))
	edited := read[comment](s, a)
	if edited.Status != "pending" || edited.Content != "terrorism" || edited.Version != 3 || a.header.Get("ETag") != `"3"` {
		t.Errorf("edited: %+v, ETag %s", edited, a.header.Get("ETag"))
	}
	edited.PostID = p.ID
	s.awaitStatus(edited, "rejected")

	edit.body = `{"content":"peace"}`
	s.must(http.StatusPreconditionFailed, edit.token(c.EditToken).with("If-Match", `"1"`))
	again := read[comment](s, s.must(http.StatusOK, edit.token(c.EditToken)))
	if got := s.awaitStatus(again, "approved"); got.Content != "peace" {
		t.Errorf("approved again: %+v", got)
	}

	remove := request{service: "comments", method: "DELETE", path: "/comments/" + c.ID}
	s.must(http.StatusUnauthorized, remove)
	s.must(http.StatusNoContent, remove.token(c.EditToken))
	s.must(http.StatusNotFound, remove.token(c.EditToken))
	s.must(http.StatusNotFound, request{service: "comments", path: "/comments/" + c.ID})
	s.eventually("the deleted comment is gone from query", func() string {
		if got, ok := s.seen(c); ok {
			return "still there: " + got.Status
		}
		return ""
	})
}

func TestPostIsEditedAndDeleted(t *testing.T) {
	t.Parallel()
	s := startSystem(t, map[string]string{"ADMIN_TOKEN": "a token of the admin"})
	p, other := s.newPost("First"), s.newPost("Second")
	c := s.newComment(p.ID, "A kind word", "Bea")
	stays := s.newComment(other.ID, "Another", "Bea")
	s.awaitStatus(c, "approved")
	s.awaitStatus(stays, "approved")
	for _, service := range []string{"posts", "query"} {
		for _, path := range []string{"/posts", "/posts/" + p.ID} {
			r := request{service: service, path: path}
			tag := s.must(http.StatusOK, r).header.Get("ETag")
			s.must(http.StatusNotModified, r.with("If-None-Match", tag))
			s.must(http.StatusOK, r.with("If-None-Match", `"other"`))
		}
	}

	path := "/posts/" + p.ID
	edit := request{service: "posts", method: "PATCH", path: path, body: `{"title":"New"}`}
	s.must(http.StatusUnauthorized, edit)
	s.must(http.StatusUnauthorized, edit.token(other.EditToken))
	s.must(http.StatusOK, edit.token(p.EditToken).with("If-Match", `"1"`))
	edit.body = `{"title":"Newer"}`
	s.must(http.StatusPreconditionFailed, edit.token(p.EditToken).with("If-Match", `"1"`))
	s.eventually("query has the new title", func() string {
		got := read[post](s, s.must(http.StatusOK, request{service: "query", path: path}))
		if got.Title != "New" || got.Version != 2 || got.Body != "text" {
			return got.Title
		}
		return ""
	})

	s.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: path}.token(p.EditToken))
	s.must(http.StatusNotFound, request{service: "posts", path: path})
	s.awaitPost(p.ID, false)
	s.must(http.StatusNotFound, request{service: "query", path: path + "/comments"})
	s.must(http.StatusNotFound, commenting(p.ID, "Too late", "Bea"))
	s.must(http.StatusNotFound, commenting("unknown", "To nothing", "Bea"))
	s.must(http.StatusNotFound, request{service: "query", path: "/posts/unknown"})
	s.eventually("the deleted post's comments are gone from everywhere", func() string {
		a, err := s.do(request{service: "comments", path: "/comments/" + c.ID})
		if err != nil || a.status != http.StatusNotFound {
			return string(a.body)
		}
		return ""
	})
	if left := list[comment](s, "comments", path+"/comments"); len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
	if left := list[comment](s, "comments", "/comments/all"); len(left) != 1 || left[0].ID != stays.ID {
		t.Errorf("all comments: %+v, want only %s", left, stays.ID)
	}
}
