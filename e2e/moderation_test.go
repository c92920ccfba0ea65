package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
)

func TestHeldApprovedVisible(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	p := s.newPost("A post about tea")
	c := s.newComment(p.ID, "hmm, tea", "Bea")
	own := s.own(c)
	h := s.awaitHeld(c)
	if h.PostTitle != "A post about tea" || h.Content != "hmm, tea" || h.Author != "Bea" || h.Rule != "unsure" || h.History == nil || !h.History.First || h.History.Held != 1 {
		t.Errorf("in the queue: %+v, %+v", h, h.History)
	}
	if got := s.awaitStatus(c, "flagged"); got.Content != "" || got.Author != "" {
		t.Errorf("while it is held: %+v", got)
	}
	if got := s.ownIs(own, "flagged"); got.Content != "hmm, tea" || got.Reason != "a person should see this" {
		t.Errorf("the author is told: %+v", got)
	}
	s.must(http.StatusOK, deciding(ann, c, h.Version, "approved", ""))
	if got := s.awaitStatus(c, "approved"); got.Content != "hmm, tea" || got.Author != "Bea" {
		t.Errorf("approved: %+v", got)
	}
	s.ownIs(own, "approved")
	if n := len(read[[]heldComment](s, s.must(http.StatusOK, moderate(ann, "GET", "queue", "")))); n != 0 {
		t.Errorf("%d comments left in the queue", n)
	}
}

func TestHeldRejectedWithANote(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	p := s.newPost("A post")
	c := s.newComment(p.ID, "hmm, "+hiddenMark, "Bea "+hiddenMark)
	own := s.own(c)
	shown := s.newComment(p.ID, shownMark, shownMark)
	s.awaitStatus(shown, "approved")
	h := s.awaitHeld(c)
	const note = "Please be kind, " + hiddenMark
	s.must(http.StatusOK, deciding(bob, c, h.Version, "rejected", `,"reason":"unkind `+hiddenMark+`","note":"`+note+`"`))
	s.awaitStatus(c, "rejected")
	if got := s.ownIs(own, "rejected"); got.Note != note || !strings.HasPrefix(got.Reason, "unkind") || got.Content != "hmm, "+hiddenMark {
		t.Errorf("the author is told: %+v", got)
	}
	one := request{service: "comments", path: "/comments/" + c.ID}
	if got := read[comment](s, s.must(http.StatusOK, one.token(c.EditToken))); got.Note != note || got.Status != "rejected" {
		t.Errorf("the author sees: %+v", got)
	}
	for _, token := range []string{"", shown.EditToken, ann} {
		r := request{service: "comments", path: "/comments/" + c.ID + "/stream"}
		if token != "" {
			r = r.token(token)
		}
		s.search("the stream of another", s.must(http.StatusUnauthorized, r))
	}
	s.searchAll([]post{p, s.newPost("Another")}, []comment{shown, c})

	log := read[[]struct{ CommentID, Moderator, Status, Note, Content string }](s, s.must(http.StatusOK, moderate(ann, "GET", "log?comment="+c.ID, "")))
	if len(log) != 2 || log[0].Moderator != "bob" || log[0].Note != note || log[1].Moderator != "rules" || log[0].Content != "hmm, "+hiddenMark {
		t.Errorf("log: %+v", log)
	}
}

// What a rule has approved and a person rejects is gone from everywhere within a second.
func TestApprovedThenRejectedByAPerson(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	p, other := s.newPost("A post"), s.newPost("Another")
	shown := s.newComment(p.ID, shownMark, shownMark)
	c := s.newComment(p.ID, hiddenMark+" for now", "Bea "+hiddenMark)
	s.awaitStatus(shown, "approved")
	approved := s.awaitStatus(c, "approved")
	for _, path := range []string{"/posts/" + p.ID + "/comments.atom", "/posts/" + p.ID, "/posts"} {
		if a := s.must(http.StatusOK, request{service: "query", path: path}); !strings.Contains(string(a.body), hiddenMark) {
			t.Errorf("%s does not show the approved comment", path)
		}
	}
	start := time.Now()
	s.must(http.StatusOK, deciding(ann, c, approved.Version, "rejected", `,"reason":"on second thoughts"`))
	gone := func() bool {
		for _, replica := range s.replicas["query"] {
			for _, path := range []string{"/posts/" + p.ID + "/comments.atom", "/posts/" + p.ID, "/posts", "/posts/" + p.ID + "/comments", "/feed.atom"} {
				a, err := s.send(replica, request{path: path})
				if err != nil || strings.Contains(string(a.body), hiddenMark) {
					return false
				}
			}
		}
		a, err := s.do(request{service: "comments", path: "/posts/" + p.ID + "/comments"})
		return err == nil && !strings.Contains(string(a.body), hiddenMark)
	}
	for !gone() {
		if time.Since(start) > patience {
			t.Fatal("the rejected text is still shown")
		}
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(start)
	t.Logf("gone from every page and feed after %s", took.Round(time.Millisecond))
	limit := time.Second
	if len(buildFlags) > 0 {
		limit = 5 * time.Second // the race detector slows down every step of the way
	}
	if took > limit {
		t.Errorf("that is more than %s", limit)
	}
	for _, replica := range s.replicas["query"] {
		if told := s.toldOf(replica); strings.Contains(told, hiddenMark) {
			t.Errorf("the stream tells the rejected text: %s", told)
		}
	}
	s.searchAll([]post{p, other}, []comment{shown, c})
}

func TestEditedAfterApproval(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	p := s.newPost("A post")
	c := s.newComment(p.ID, "fine", "Bea")
	approved := s.awaitStatus(c, "approved")
	own := s.own(c)
	s.stop("moderator")
	edit := request{
		service: "comments", method: "PATCH", path: "/comments/" + c.ID, body: object(map[string]string{"content": "hmm, " + hiddenMark}),
	}.token(c.EditToken)
	edited := read[comment](s, s.must(http.StatusOK, edit))
	edited.PostID = p.ID
	if got := s.awaitStatus(edited, "pending"); got.Content != "" {
		t.Errorf("edited: %+v", got)
	}
	s.ownIs(own, "pending")
	s.start("moderator")
	h := s.awaitHeld(edited)
	if h.Content != "hmm, "+hiddenMark || h.Version != edited.Version {
		t.Errorf("in the queue: %+v", h)
	}
	// Somebody still looks at the text of before.
	s.must(http.StatusConflict, deciding(ann, c, approved.Version, "approved", ""))
	s.must(http.StatusOK, deciding(ann, c, h.Version, "rejected", ""))
	s.awaitStatus(edited, "rejected")
	s.ownIs(own, "rejected")
	s.must(http.StatusNoContent, request{service: "comments", method: "DELETE", path: "/comments/" + c.ID}.token(c.EditToken))
	select {
	case e := <-own:
		if e.Type != "deleted" || !strings.Contains(e.Data, c.ID) {
			t.Errorf("after the deletion the author is told %v", e)
		}
	case <-time.After(patience):
		t.Error("the author is not told of the deletion")
	}
	if e, more := <-own; more {
		t.Errorf("the stream goes on after the deletion: %v", e)
	}
}

func TestTwoModerators(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	c := s.newComment(s.newPost("A post").ID, "hmm", "Bea")
	h := s.awaitHeld(c)
	s.must(http.StatusOK, moderate(ann, "POST", "queue/"+c.ID+"/claim", ""))
	s.must(http.StatusConflict, moderate(bob, "POST", "queue/"+c.ID+"/claim", ""))
	if h := s.awaitHeld(c); h.Claim == nil || h.Claim.By != "ann" {
		t.Errorf("who works on it: %+v", h.Claim)
	}
	s.must(http.StatusConflict, deciding(bob, c, h.Version, "rejected", ""))
	s.must(http.StatusOK, deciding(ann, c, h.Version, "approved", ""))
	s.awaitStatus(c, "approved")
	// Both at once, without a claim: both are heard, and the last has it.
	d := s.newComment(c.PostID, "hmm, again", "Bea")
	h = s.awaitHeld(d)
	var both sync.WaitGroup
	for token, status := range map[string]string{ann: "approved", bob: "rejected"} {
		both.Go(func() {
			if a, err := s.do(deciding(token, d, h.Version, status, "")); err != nil || a.status != http.StatusOK {
				t.Errorf("%s: %d, %v", status, a.status, err)
			}
		})
	}
	both.Wait()
	log := read[[]struct{ Status string }](s, s.must(http.StatusOK, moderate(ann, "GET", "log?comment="+d.ID, "")))
	if len(log) != 3 {
		t.Fatalf("log: %+v", log)
	}
	s.awaitStatus(d, log[0].Status)
}

// Decisions of people outlast that the groups are made anew at 0, everything is
// replayed and every verdict comes again.
func TestOverruleOutlastsAReplay(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	p := s.newPost("A post")
	up, down := s.newComment(p.ID, "racism, so called", "Bea"), s.newComment(p.ID, "fine", "Bea")
	up.Version = s.awaitStatus(up, "rejected").Version
	down.Version = s.awaitStatus(down, "approved").Version
	s.must(http.StatusOK, deciding(ann, up, up.Version, "approved", ""))
	s.must(http.StatusOK, deciding(ann, down, down.Version, "rejected", ""))
	s.awaitStatus(up, "approved")
	s.awaitStatus(down, "rejected")

	for _, name := range services {
		s.stop(name)
	}
	client := s.redis.Client()
	lasts := map[string]string{}
	for _, stream := range []string{"{posts}:events", "{comments}:events", "{moderator}:events"} {
		groups := client.XInfoGroups(t.Context(), stream).Val()
		for _, g := range groups {
			if err := client.XGroupDestroy(t.Context(), stream, g.Name).Err(); err != nil {
				t.Fatal(err)
			}
		}
		lasts[stream] = client.XInfoStream(t.Context(), stream).Val().LastGeneratedID
	}
	for _, name := range services {
		s.start(name)
	}
	s.ready(services...)
	b := bus.New(t.Context(), client, bus.Options{})
	defer b.Close()
	for group, streams := range map[string][]string{
		"moderator": {"{comments}:events", "{posts}:events"}, "comments": {"{moderator}:events", "{posts}:events", "{comments}:events"},
		"query": {"{posts}:events", "{comments}:events"},
	} {
		for _, stream := range streams {
			last, err := bus.ParseID(lasts[stream])
			if err != nil {
				t.Fatal(err)
			}
			s.eventually(group+" has replayed "+stream, func() string {
				if passed, err := b.Passed(t.Context(), stream, group, last); err != nil || !passed {
					return fmt.Sprint("not yet: ", err)
				}
				return ""
			})
		}
	}
	for stream, last := range lasts {
		if got := client.XInfoStream(t.Context(), stream).Val().LastGeneratedID; got != last {
			t.Errorf("the replay has written to %s", stream)
		}
	}
	s.awaitStatus(up, "approved")
	s.awaitStatus(down, "rejected")
}

var downtime = flag.Duration("downtime", 5*time.Second, "how long the moderator is down under load")

// While the moderator is down comments are pending: none is let through and none is
// lost. What it finds when it is back it judges.
func TestModeratorIsDownUnderLoad(t *testing.T) {
	t.Parallel()
	s := startSystem(t, moderated(t))
	var posts []post
	for i := range 10 {
		posts = append(posts, s.newPost(fmt.Sprint("Post ", i)))
		s.awaitPost(posts[i].ID, true)
	}
	s.kill("moderator")
	texts, statuses := []string{"fine", "hmm", "racism"}, []string{"approved", "flagged", "rejected"}
	want := map[string]int{}
	made := 0
	load := time.NewTicker(10 * time.Millisecond)
	defer load.Stop()
	for start := time.Now(); time.Since(start) < *downtime; made++ {
		<-load.C
		p := posts[made%len(posts)]
		s.newComment(p.ID, fmt.Sprintf("%s %s %d", texts[made%3], hiddenMark, made), hiddenMark)
		want[statuses[made%3]]++
		if made%50 != 0 {
			continue
		}
		for _, r := range []request{{service: "query", path: "/posts/" + p.ID}, {service: "comments", path: "/comments/all?limit=100"}} {
			s.search(r.String(), s.must(http.StatusOK, r))
		}
	}
	for _, c := range list[comment](s, "comments", "/comments/all?limit=100") {
		if c.Status != "pending" {
			t.Fatalf("without the moderator a comment is %s", c.Status)
		}
	}
	s.start("moderator")
	s.eventually("every comment is judged", func() string {
		got := map[string]int{}
		for _, p := range posts {
			for _, c := range list[comment](s, "query", "/posts/"+p.ID+"/comments?limit=100") {
				got[c.Status]++
			}
		}
		return cmp.Diff(want, got)
	})
	sum := read[struct{ Held int }](s, s.must(http.StatusOK, moderate(ann, "GET", "summary", "")))
	if sum.Held != want["flagged"] {
		t.Errorf("%d comments are in the queue, want %d", sum.Held, want["flagged"])
	}
	t.Logf("%d comments in %s without a moderator: %v", made, *downtime, want)
}
