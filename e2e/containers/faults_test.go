//go:build containers

package containers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"newsfeed/internal/bus"
)

// journey is everything that clients can ask for.
func journey(s *stack) {
	s.t.Helper()
	post := s.newPost("Rights")
	postURL := s.url("posts") + "/posts/" + post.ID
	s.must(http.StatusOK, "PATCH", postURL, `{"body":"more"}`, "Authorization", "Bearer "+post.EditToken)
	s.must(http.StatusOK, "GET", s.url("posts")+"/posts", "")
	s.must(http.StatusOK, "GET", postURL, "")

	fine, bad := s.comment(post.ID, "fine"), s.comment(post.ID, "racism")
	s.becomes(post.ID, fine.ID, "approved")
	s.becomes(post.ID, bad.ID, "rejected")
	commentURL := s.url("comments") + "/comments/" + fine.ID
	s.must(http.StatusOK, "PATCH", commentURL, `{"content":"terrorism"}`, "Authorization", "Bearer "+fine.EditToken)
	s.becomes(post.ID, fine.ID, "rejected")
	s.must(http.StatusOK, "GET", s.url("comments")+"/comments/all", "")
	s.must(http.StatusNotFound, "POST", s.url("comments")+"/posts/unknown/comments", `{"content":"where"}`)
	s.must(http.StatusNoContent, "DELETE", s.url("comments")+"/comments/"+bad.ID, "", "Authorization", "Bearer "+bad.EditToken)
	s.forget()
	s.must(http.StatusOK, "GET", s.url("query")+"/posts", "")
	s.must(http.StatusOK, "GET", s.url("query")+"/posts/"+post.ID, "")
	s.must(http.StatusOK, "GET", s.url("query")+"/posts/"+post.ID+"/comments", "")
	s.foreign()
	s.moderate(post.ID)

	s.must(http.StatusNoContent, "DELETE", postURL, "", "Authorization", "Bearer "+post.EditToken)
	s.eventually(30*time.Second, "the post and its comments are gone", func() string {
		for _, url := range []string{s.url("query") + "/posts/" + post.ID, commentURL} {
			if status, text, err := s.ask("GET", url, ""); status != http.StatusNotFound {
				return fmt.Sprint(status, text, err)
			}
		}
		return ""
	})
}

// forget has Redis forget the scripts, as after a restart: their next callers
// bring them along (EVAL in place of EVALSHA).
func (s *stack) forget() {
	s.t.Helper()
	s.operator("SCRIPT", "FLUSH")
}

// leftBehind puts entries into the hands of consumers that are dead, and has them
// taken over; and has empty consumers that are long away removed.
func leftBehind(s *stack, rec *monitor) {
	s.t.Helper()
	post := s.newPost("Left behind")
	docker(s.t, append([]string{"stop"}, s.names("moderator", "query")...)...)
	comment := s.comment(post.ID, "who reads this")
	docker(s.t, append([]string{"stop"}, s.names("comments", "posts")...)...)
	back := sendBack(s)
	for _, r := range readings() {
		s.operator("XGROUP", "CREATECONSUMER", r.stream, r.group, "empty")
		s.operator("XREADGROUP", "GROUP", r.group, "ghost", "COUNT", "1", "STREAMS", r.stream, ">")
		// What has been read already is given back to be left behind as well.
		last := lastID(s.operator("XREVRANGE", r.stream, "+", "-", "COUNT", "1"))
		if last != "" {
			s.operator("XCLAIM", r.stream, r.group, "ghost", "0", last, "FORCE", "JUSTID")
		}
	}
	docker(s.t, "restart", s.name("eventbus"))
	for _, service := range services() {
		rec.is(s, published, service)
		retire(s, service)
	}
	rec.is(s, published, "")
	s.forget()
	docker(s.t, append([]string{"start"}, s.names("posts", "comments", "moderator", "query")...)...)
	s.healthy("posts", "comments", "moderator", "query")
	s.becomes(post.ID, comment.ID, "approved")
	for _, r := range readings() {
		s.eventually(time.Minute, r.group+" has taken over on "+r.stream, func() string {
			if got := s.operator("XPENDING", r.stream, r.group); !strings.HasPrefix(got, "0") {
				return got
			}
			return ""
		})
	}
	for group, n := range back {
		s.eventually(time.Minute, "what was sent back to "+group+" is given up again", func() string {
			if got := len(s.letters(group)); got < n {
				return fmt.Sprintf("%d of %d", got, n)
			}
			return ""
		})
	}
}

func lastID(reply string) string {
	id, _, _ := strings.Cut(reply, "\n")
	return strings.TrimSpace(id)
}

type reading struct{ group, stream string }

// readings is which service reads what.
func readings() []reading {
	var all []reading
	for group, owners := range map[string][]string{
		"posts": {"posts", "moderator"}, "comments": {"posts", "comments", "moderator"}, "moderator": {"posts", "comments"}, "query": {"posts", "comments"},
	} {
		for _, owner := range owners {
			all = append(all, reading{group, "{" + owner + "}:events"})
		}
		all = append(all, reading{group, "{" + group + "}:redrive"})
	}
	return all
}

// retire removes the consumers without entries as the service's user, which its
// readers do only with those that have been away for a day.
func retire(s *stack, service string) {
	s.t.Helper()
	client, err := bus.Connect(fmt.Sprintf("redis://%s:development@localhost:%d", service, s.ports["redis"]))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	b := bus.New(s.t.Context(), client, bus.Options{})
	defer b.Close()
	for _, r := range readings() {
		if r.group != service {
			continue
		}
		s.forget()
		if err := b.DeleteConsumer(s.t.Context(), r.stream, r.group, "empty"); err != nil {
			s.t.Fatalf("%s on %s: %v", r.group, r.stream, err)
		}
	}
}

// poison has every reader bury an entry that it cannot read, and sends it back.
func poison(s *stack) {
	s.t.Helper()
	owners := map[string]string{"posts": "PostCreated", "comments": "CommentCreated", "moderator": "CommentModerated"}
	for owner, typ := range owners {
		s.operator("XADD", "{"+owner+"}:events", "*", "type", typ, "data", "poison", "id", "poison-"+owner, "source", "e2e")
	}
	buried := map[string]int{"posts": 2, "comments": 3, "moderator": 2, "query": 2}
	for group, want := range buried {
		s.eventually(30*time.Second, group+" buries what it cannot read", func() string {
			if got := s.operator("HLEN", "{"+group+"}:dead"); got != fmt.Sprint(want) {
				return got
			}
			return ""
		})
	}
}

type letter struct{ ID, Group string }

func bearer() []string { return []string{"Authorization", "Bearer development"} }

func (s *stack) letters(group string) []letter {
	s.t.Helper()
	return decode[[]letter](s.t, s.must(http.StatusOK, "GET", s.url("eventbus")+"/dead?limit=100&group="+url.QueryEscape(group), "", bearer()...))
}

// sendBack sends every dead letter of the services back to them, through the
// event bus, and returns how many each gets.
func sendBack(s *stack) map[string]int {
	s.t.Helper()
	back := map[string]int{}
	for _, group := range []string{"posts", "comments", "moderator", "query"} {
		for _, l := range s.letters(group) {
			s.forget()
			s.must(http.StatusOK, "GET", s.url("eventbus")+"/dead/"+l.ID, "", bearer()...)
			s.must(http.StatusOK, "POST", s.url("eventbus")+"/dead/"+l.ID+"/redrive", "", bearer()...)
			back[group]++
		}
		if back[group] == 0 {
			s.t.Fatalf("%s has no dead letters", group)
		}
	}
	s.must(http.StatusOK, "GET", s.url("eventbus")+"/streams", "", bearer()...)
	return back
}

// givenUp drops every dead letter, and sends one back that a subscriber refused.
func givenUp(s *stack) {
	s.t.Helper()
	dead := s.url("eventbus") + "/dead"
	var refused []letter
	for _, l := range decode[[]letter](s.t, s.must(http.StatusOK, "GET", dead+"?limit=100", "", bearer()...)) {
		if strings.HasPrefix(l.Group, "eventbus/") {
			refused = append(refused, l)
		}
	}
	if len(refused) == 0 {
		s.t.Fatal("no subscriber has refused anything")
	}
	group := refused[0].Group
	stream := "{eventbus}:" + strings.TrimPrefix(group, "eventbus/") + ":redrive"
	s.must(http.StatusOK, "POST", dead+"/"+refused[0].ID+"/redrive", "", bearer()...)
	s.eventually(30*time.Second, "it is sent again", func() string {
		if n := s.operator("XLEN", stream); n != "0" {
			return n
		}
		return ""
	})
	for _, group := range []string{"posts", "comments", "moderator", "query", group} {
		for _, l := range s.letters(group) {
			s.must(http.StatusNoContent, "DELETE", dead+"/"+l.ID, "", bearer()...)
		}
	}
}

// foreign is what a service does that speaks HTTP only.
func (s *stack) foreign() {
	s.t.Helper()
	for _, body := range []string{
		`{"type":"PostCreated","data":{"id":"foreign","title":"From elsewhere"}}`,
		`{"type":"CommentCreated","data":{"id":"foreign-comment","postId":"foreign","content":"hello","status":"pending"}}`,
		`{"type":"CommentModerated","data":{"id":"foreign-comment","postId":"foreign","content":"hello","status":"rejected"}}`,
		`{"type":"CommentModerated","data":{"id":"never-seen","postId":"foreign","content":"hello","status":"approved"}}`,
		`{"type":"Unheard","data":{}}`,
	} {
		s.forget()
		s.must(http.StatusOK, "POST", s.url("eventbus")+"/events", body, bearer()...)
	}
	s.becomes("foreign", "foreign-comment", "rejected")
	s.must(http.StatusOK, "GET", s.url("eventbus")+"/events", "", bearer()...)
	s.must(http.StatusOK, "GET", s.url("eventbus")+"/streams", "", bearer()...)
}

// moderate is what people do with a comment that is held for them.
func (s *stack) moderate(post string) {
	s.t.Helper()
	c := s.comment(post, "please hold this")
	s.becomes(post, c.ID, "flagged")
	// The alarm that it is held too long is said once.
	s.eventually(time.Minute, "the alarm is said", func() string {
		if got := s.operator("GET", "{moderator}:alarm"); got != "said" {
			return got
		}
		return ""
	})
	at := s.url("moderator") + "/moderation/"
	s.must(http.StatusOK, "GET", at+"queue", "", bearer()...)
	s.must(http.StatusOK, "GET", at+"summary", "", bearer()...)
	s.must(http.StatusOK, "POST", at+"queue/"+c.ID+"/claim", "", bearer()...)
	s.must(http.StatusOK, "GET", at+"queue", "", bearer()...)
	s.must(http.StatusNoContent, "DELETE", at+"queue/"+c.ID+"/claim", "", bearer()...)
	s.must(http.StatusOK, "POST", at+"decisions", fmt.Sprintf(`{"commentId":%q,"version":1,"status":"approved"}`, c.ID), bearer()...)
	s.becomes(post, c.ID, "approved")
	s.must(http.StatusOK, "GET", at+"log", "", bearer()...)
	s.must(http.StatusOK, "POST", at+"check", `{"content":"racism"}`, bearer()...)
}
