package e2e

import (
	"context"
	"encoding/json"
	"net/http"
)

// post is a post as posts and query show it.
type post struct {
	ID, Title, Body, Author, EditToken string
	Version, CommentCount              int64
	Comments                           []comment
}

// comment is a comment as comments and query show it.
type comment struct {
	ID, PostID, Content, Author, Status, Reason, Note, EditToken string
	Version                                                      int64
}

func object(members map[string]string) string {
	text, _ := json.Marshal(members) // strings always encode
	return string(text)
}

// newPost writes a post and returns it with its token.
func (s *system) newPost(title string) post {
	s.t.Helper()
	body := object(map[string]string{"title": title, "body": "text", "author": "Ada"})
	return read[post](s, s.must(http.StatusCreated, request{service: "posts", method: "POST", path: "/posts", body: body}))
}

// commenting is the request for a new comment.
func commenting(postID, content, author string) request {
	body := object(map[string]string{"content": content, "author": author})
	return request{service: "comments", method: "POST", path: "/posts/" + postID + "/comments", body: body}
}

// newComment writes a comment and returns it with its token.
func (s *system) newComment(postID, content, author string) comment {
	s.t.Helper()
	return read[comment](s, s.must(http.StatusCreated, commenting(postID, content, author)))
}

// seen returns the comment as query shows it; false if it does not.
func (s *system) seen(c comment) (comment, bool) {
	s.t.Helper()
	a, err := s.do(request{service: "query", path: "/posts/" + c.PostID})
	if err != nil || a.status != http.StatusOK {
		return comment{}, false
	}
	for _, found := range read[post](s, a).Comments {
		if found.ID == c.ID {
			return found, true
		}
	}
	return comment{}, false
}

// awaitStatus waits until query shows a comment in this status, at least in the
// version that c has, and returns it.
func (s *system) awaitStatus(c comment, status string) comment {
	s.t.Helper()
	var found comment
	s.eventually("comment "+c.ID+" is "+status+" in query", func() string {
		found, _ = s.seen(c)
		if found.Status != status || found.Version < c.Version {
			return "status " + found.Status
		}
		return ""
	})
	return found
}

// awaitPost waits until query has a post of this id, or has none.
func (s *system) awaitPost(id string, there bool) {
	s.t.Helper()
	want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[there]
	s.eventually("query knows what became of post "+id, func() string {
		a, err := s.do(request{service: "query", path: "/posts/" + id})
		if err != nil || a.status != want {
			return "another answer: " + string(a.body)
		}
		return ""
	})
}

// noDeadLetters fails the test if any service has given up on an entry.
func (s *system) noDeadLetters() {
	client := s.redis.Client()
	for _, name := range services {
		key := "{" + name + "}:dead"
		n, err := client.Exists(context.Background(), key).Result() // the test's own has ended
		if err != nil || n > 0 {
			s.t.Errorf("%s: there are dead letters (%v)", key, err)
		}
	}
}
