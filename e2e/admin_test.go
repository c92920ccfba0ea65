package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestAdmin(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	const token = "s3cret-of-16-bytes"
	p := s.newPost("A post")
	patch := request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: `{"title":"By the admin"}`}
	s.must(http.StatusUnauthorized, patch.token(token)) // not yet
	for _, service := range []string{"posts", "comments"} {
		s.configure(service, "ADMIN_TOKEN", token)
	}
	c, bad := s.newComment(p.ID, "A kind word", "Bea"), s.newComment(p.ID, "pure racism", "Eve")
	s.awaitStatus(c, "approved")
	s.awaitStatus(bad, "rejected")

	one := request{service: "comments", path: "/comments/" + bad.ID}
	for _, list := range []string{"/comments/all", "/posts/" + p.ID + "/comments"} {
		all := request{service: "comments", path: list}
		if a := s.must(http.StatusOK, all); strings.Contains(string(a.body), "racism") {
			t.Errorf("%s shows everybody: %s", list, a.body)
		}
		if a := s.must(http.StatusOK, all.token(token)); !strings.Contains(string(a.body), "racism") || !strings.Contains(a.header.Get("Vary"), "Authorization") {
			t.Errorf("%s does not show the admin: %v %s", list, a.header, a.body)
		}
		s.must(http.StatusUnauthorized, all.token("wrong"))
		s.must(http.StatusUnauthorized, all.token(bad.EditToken))
	}
	if got := read[comment](s, s.must(http.StatusOK, one.token(token))); got.Content != "pure racism" || got.Author != "Eve" || got.Reason == "" {
		t.Errorf("the admin sees %+v", got)
	}
	s.must(http.StatusUnauthorized, one.token(token+"x"))

	for _, path := range []string{"/comments/all", "/posts/" + p.ID + "/comments", one.path} {
		limited(s, request{service: "comments", path: path})
	}
	s.must(http.StatusOK, patch.token(token))
	s.must(http.StatusUnauthorized, patch.token("wrong"))
	s.must(http.StatusPreconditionFailed, patch.token(token).with("If-Match", `"1"`))
	edit := request{service: "comments", method: "PATCH", path: "/comments/" + bad.ID, body: `{"content":"peace"}`}
	s.must(http.StatusOK, edit.token(token))
	s.must(http.StatusNoContent, request{service: "comments", method: "DELETE", path: "/comments/" + c.ID}.token(token))
	s.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: "/posts/" + p.ID}.token(token))
	s.awaitPost(p.ID, false)

	// The token that everyone knows, where not this machine is asked.
	s.configure("posts", "ADMIN_TOKEN", "development")
	other := s.newPost("Another")
	remove := request{service: "posts", method: "DELETE", path: "/posts/" + other.ID}.token("development")
	s.must(http.StatusUnauthorized, remove.with("Host", "feed.example"))
	s.must(http.StatusNoContent, remove)
}

// Without ADMIN_TOKEN, who sits at this machine changes and deletes anything, and
// nobody does for whom a proxy speaks, or whose page leads its own name here.
func TestAdmin_NoToken_IsThisMachine(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("A post")
	c := s.newComment(p.ID, "A kind word", "Bea")
	s.awaitStatus(c, "approved")
	for _, one := range []request{
		{service: "comments", path: "/comments/" + c.ID, body: `{"content":"Another word"}`},
		{service: "posts", path: "/posts/" + p.ID, body: `{"title":"Another title"}`},
	} {
		edit, remove := one, one
		edit.method = "PATCH"
		remove.method, remove.body = "DELETE", ""
		for _, r := range []request{edit, remove} {
			for _, header := range [][2]string{
				{"X-Forwarded-For", "203.0.113.1"}, {"X-Real-IP", "203.0.113.1"}, {"Forwarded", "for=203.0.113.1"},
				{"X-Forwarded-Host", "feed.example"}, {"Authorization", "Bearer wrong"},
			} {
				s.must(http.StatusUnauthorized, r.with(header[0], header[1]))
			}
		}
		s.must(http.StatusOK, edit)
		s.must(http.StatusNoContent, remove)
		s.must(http.StatusNotFound, remove)
	}
}

// Two replicas count together, each client by itself, and the admin not at all.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("A post")
	s.awaitStatus(s.newComment(p.ID, "First", "Bea"), "approved")
	const token, burst = "s3cret-of-16-bytes", 5
	for _, service := range []string{"posts", "comments"} {
		for _, replica := range s.replicas[service] {
			replica.env["ADMIN_TOKEN"] = token
		}
		s.configure(service, "RATE_LIMIT", "1/h,burst="+strconv.Itoa(burst))
	}
	posting := request{service: "posts", method: "POST", path: "/posts", body: `{"title":"A post"}`}
	edit := request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: `{"title":"Edited"}`}.token("wrong")
	remark := commenting(p.ID, "A kind word", "Bea")
	uncomment := request{service: "comments", method: "DELETE", path: "/comments/unknown"}
	for _, writes := range [][2]request{{posting, edit}, {remark, uncomment}} {
		for client := range 2 {
			address := fmt.Sprintf("192.0.2.%d", client)
			for n := range burst + 2 {
				r := writes[n%2].with("X-Forwarded-For", "203.0.113.9, "+address)
				a, err := s.once(r)
				if err != nil {
					t.Fatal(err)
				}
				if limited := a.status == http.StatusTooManyRequests; limited != (n >= burst) {
					t.Errorf("%s of client %d, write %d: status %d", r, client, n, a.status)
				} else if limited && (a.header.Get("Retry-After") == "" || a.header.Get("RateLimit") == "") {
					t.Errorf("headers %v", a.header)
				}
			}
			read := request{service: writes[0].service, path: "/posts/" + p.ID + "/comments"}
			if read.service == "posts" {
				read.path = "/posts"
			}
			s.must(http.StatusOK, read.with("X-Forwarded-For", address))
			s.must(http.StatusCreated, writes[0].token(token).with("X-Forwarded-For", address))
		}
	}
}
