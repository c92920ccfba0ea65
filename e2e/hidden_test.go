package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Marker strings stand in every text and name; only shown may be seen.
const (
	hiddenMark = "h1dd3n"
	shownMark  = "sh0wn"
)

func TestUnapprovedTextIsNowhere(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p, gone := s.newPost("A post"), s.newPost("Soon gone")

	shown := s.newComment(p.ID, shownMark+" text", shownMark+" author")
	edited := s.newComment(p.ID, hiddenMark+" before the edit", hiddenMark+" author")
	deleted := s.newComment(p.ID, hiddenMark+" deleted", hiddenMark+" author")
	orphan := s.newComment(gone.ID, hiddenMark+" of a deleted post", hiddenMark+" author")
	for _, c := range []comment{shown, edited, deleted, orphan} {
		s.awaitStatus(c, "approved")
	}
	rejected := s.newComment(p.ID, hiddenMark+" racism", hiddenMark+" author")
	byName := s.newComment(p.ID, hiddenMark+" kind", hiddenMark+" terrorism")
	s.awaitStatus(rejected, "rejected")
	s.awaitStatus(byName, "rejected")

	s.stop("moderator")
	pending := s.newComment(p.ID, hiddenMark+" pending", hiddenMark+" author")
	edit := request{
		service: "comments", method: "PATCH", path: "/comments/" + edited.ID, body: object(map[string]string{"content": hiddenMark + " after the edit"}),
	}.token(edited.EditToken)
	edited = read[comment](s, s.must(http.StatusOK, edit))
	s.must(http.StatusNoContent, request{service: "comments", method: "DELETE", path: "/comments/" + deleted.ID}.token(deleted.EditToken))
	s.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: "/posts/" + gone.ID}.token(gone.EditToken))
	s.awaitStatus(pending, "pending")
	s.awaitStatus(edited, "pending")
	s.awaitPost(gone.ID, false)
	s.eventually("the deleted comments are gone", func() string {
		if _, ok := s.seen(deleted); ok {
			return "in query"
		}
		a, err := s.do(request{service: "comments", path: "/comments/" + orphan.ID})
		if err != nil || a.status != http.StatusNotFound {
			return "in comments"
		}
		return ""
	})

	s.searchAll([]post{p, gone}, []comment{shown, edited, deleted, orphan, rejected, byName, pending})

	s.start("moderator")
	s.awaitStatus(pending, "approved")
	s.awaitStatus(edited, "approved")
}

// searchAll reads everything that is public in pages small and large. What is
// hidden must be in none of it, and what is shown in some of every list.
func (s *system) searchAll(posts []post, comments []comment) {
	s.t.Helper()
	type place struct {
		service, path string
		shows         bool // the text that is to be shown
	}
	p := posts[0].ID
	lists := []place{
		{"posts", "/posts", false},
		{"comments", "/comments/all", true},
		{"comments", "/posts/" + p + "/comments", true},
		{"query", "/posts", true},
		{"query", "/posts/" + p + "/comments", true},
	}
	for _, l := range lists {
		for _, query := range []string{"", "?limit=1", "?limit=3", "?limit=100"} {
			found := false
			for i, a := range s.pages(l.service, l.path+query) {
				found = s.search(fmt.Sprintf("page %d of %s %s%s", i, l.service, l.path, query), a) || found
			}
			if found != l.shows {
				s.t.Errorf("%s %s%s shows the approved text: %v, want %v", l.service, l.path, query, found, l.shows)
			}
		}
	}
	for _, replica := range s.replicas["query"] {
		if told := (answer{body: []byte(s.toldOf(replica))}); !s.search("the stream of changes", told) {
			s.t.Error("the stream of changes does not show the approved text")
		}
	}
	var single []place
	for _, post := range posts {
		single = append(single, place{"posts", "/posts/" + post.ID, false}, place{"query", "/posts/" + post.ID, post.ID == p})
	}
	single = append(single, place{"query", "/posts/" + posts[1].ID + "/comments", false}, place{"comments", "/posts/" + posts[1].ID + "/comments", false})
	single = append(single, place{"query", "/feed.atom", false}, place{"query", "/posts/" + p + "/comments.atom", true})
	for i, c := range comments {
		single = append(single, place{"comments", "/comments/" + c.ID, i == 0})
	}
	for _, service := range []string{"posts", "comments", "query"} {
		for _, path := range []string{"/livez", "/readyz", "/metrics", "/nothing"} {
			single = append(single, place{service, path, false})
		}
	}
	for _, one := range single {
		a, err := s.do(request{service: one.service, path: one.path})
		if err != nil {
			s.t.Fatalf("%s %s: %v", one.service, one.path, err)
		}
		if found := s.search(one.service+" "+one.path, a); found != one.shows && a.status == http.StatusOK {
			s.t.Errorf("%s %s shows the approved text: %v, want %v", one.service, one.path, found, one.shows)
		}
	}
}

// search reports whether the answer shows what may be shown.
func (s *system) search(where string, a answer) bool {
	s.t.Helper()
	all := fmt.Sprint(a.header) + string(a.body)
	if strings.Contains(all, hiddenMark) {
		s.t.Errorf("%s shows a text or name that is not approved: %s", where, all)
	}
	return strings.Contains(all, shownMark)
}
