package moderator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// holding holds what has the word "hmm" and rejects what has the word "no".
const holding = `rules:
  - {name: unsure, words: [hmm], then: hold, reason: a person should see this}
  - {name: never, words: ["no"], then: reject, reason: not here}
`

// problem is the part of a problem document that the tests ask for.
type problem struct{ Type, Detail string }

func ids(list []held) []string {
	var all []string
	for _, h := range list {
		all = append(all, h.ID)
	}
	return all
}

func TestQueueShowsWhatAPersonNeeds(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	r.publish(event.TypePostCreated, event.Post{ID: "p", Title: new("A title")})
	r.publish(event.TypePostUpdated, event.Post{ID: "p", Title: new("A better title")})
	r.judgedAs(event.Approved, "fine", "fine", "ann")
	r.judgedAs(event.Rejected, "bad", "no", "ann")
	first := r.judgedAs(event.Flagged, "c1", "hmm one", "ann")
	r.judgedAs(event.Flagged, "c2", "hmm two", "newcomer")
	bustest.Eventually(t, 10*time.Second, "the title has come", func() bool {
		titles, err := r.store.titles(t.Context(), []string{"p"})
		return err == nil && titles[0] == "A better title"
	})

	queue := ask[[]held](r, http.StatusOK, annsToken, "GET", "/moderation/queue", "")
	want := held{
		ID: "c1", PostID: "p", PostTitle: "A better title", Content: "hmm one", Author: "by ann", Version: 1, Entry: first.Entry,
		Rule: "unsure", Reason: "a person should see this", Since: first.Held, AuthorKey: "ann",
		History: &history{Approved: 1, Rejected: 1, Held: 1},
	}
	if len(queue) != 2 || queue[1].ID != "c2" || !queue[1].History.First {
		t.Fatalf("queue: %+v", queue)
	}
	if diff := cmp.Diff(want, queue[0]); diff != "" {
		t.Error(diff)
	}

	var paged []string
	for path := "/moderation/queue?limit=1"; ; {
		page, next := askPage[[]held](r, http.StatusOK, annsToken, "GET", path, "")
		paged = append(paged, ids(page)...)
		if next == "" {
			break
		}
		path = "/moderation/queue" + next
	}
	if !slices.Equal(paged, []string{"c1", "c2"}) {
		t.Errorf("in pages of one: %v", paged)
	}
	sum := ask[map[string]any](r, http.StatusOK, bobsToken, "GET", "/moderation/summary", "")
	if sum["held"] != 2.0 || sum["oldest"] != "c1" || sum["you"] != "bob" || sum["overdue"] != false {
		t.Errorf("summary: %v", sum)
	}
	r.publish(event.TypeCommentDeleted, event.CommentDeleted{PostID: "p", ID: "c1"})
	bustest.Eventually(t, 10*time.Second, "the deleted comment is out of the queue", func() bool {
		return slices.Equal(ids(ask[[]held](r, http.StatusOK, annsToken, "GET", "/moderation/queue", "")), []string{"c2"})
	})
	if keys := r.redis.Client().Keys(t.Context(), "{moderator}:*c1*").Val(); !slices.Equal(keys, []string{docKey("c1")}) {
		t.Errorf("left of the deleted comment: %v", keys)
	}
	if doc := r.redis.Client().Get(t.Context(), docKey("c1")).Val(); strings.Contains(doc, "hmm") {
		t.Errorf("the deleted text is still there: %s", doc)
	}
}

// The queue goes on behind comments that are decided or deleted while it is being
// read: they are in it when that is read, and gone when they themselves are.
func TestTheQueueGoesOnBehindTheDecided(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	for i := range 5 {
		r.judgedAs(event.Flagged, fmt.Sprintf("c%d", i), "hmm", "x")
	}
	client := r.redis.Client()
	want := []string{"c0", "c1", "c2", "c3", "c4"}
	for len(want) > 1 {
		client.Del(t.Context(), docKey(want[0]))
		want = want[1:]
		var paged []string
		for path := "/moderation/queue?limit=2"; ; {
			page, next := askPage[[]held](r, http.StatusOK, annsToken, "GET", path, "")
			paged = append(paged, ids(page)...)
			if next == "" {
				break
			}
			path = "/moderation/queue" + next
		}
		if !slices.Equal(paged, want) {
			t.Errorf("in pages of two: %v, want %v", paged, want)
		}
	}
}

func TestOnlyModeratorsEnter(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	for _, route := range []struct{ method, path string }{
		{"GET", "/moderation/queue"}, {"GET", "/moderation/summary"}, {"POST", "/moderation/queue/c/claim"},
		{"DELETE", "/moderation/queue/c/claim"}, {"POST", "/moderation/decisions"}, {"GET", "/moderation/log"},
		{"GET", "/moderation/rules"}, {"POST", "/moderation/check"},
	} {
		for i, token := range []string{"", "wrong", "token of ann ", PersonLine("ann", annsToken), "development"} {
			// Each from a network of its own: one may not bring so many wrong tokens at once.
			r.remote = fmt.Sprintf("198.51.%d.1:1234", i)
			ask[problem](r, http.StatusUnauthorized, strings.TrimSpace(token)+"x", route.method, route.path, "")
		}
	}
	r.remote = ""
	for token, who := range map[string]string{annsToken: "ann", bobsToken: "bob", adminToken: "admin"} {
		if got := ask[map[string]any](r, http.StatusOK, token, "GET", "/moderation/summary", ""); got["you"] != who {
			t.Errorf("the token of %s is taken for that of %v", who, got["you"])
		}
	}
}

func TestTwoModeratorsOnOneComment(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	r.judgedAs(event.Flagged, "c", "hmm", "x")
	const path = "/moderation/queue/c/claim"
	taken := ask[claim](r, http.StatusOK, annsToken, "POST", path, "")
	if left := time.Until(taken.Until); taken.By != "ann" || left < claimTime-10*time.Second || left > claimTime {
		t.Errorf("claim: %+v", taken)
	}
	if ttl := r.redis.Client().PTTL(t.Context(), claimKey("c")).Val(); ttl <= 0 || ttl > claimTime {
		t.Errorf("the claim ends by itself after %s, want %s", ttl, claimTime)
	}
	if p := ask[problem](r, http.StatusConflict, bobsToken, "POST", path, ""); !strings.Contains(p.Detail, "ann") {
		t.Errorf("refused without saying who works on it: %+v", p)
	}
	ask[claim](r, http.StatusOK, annsToken, "POST", path, "") // renewed
	ask[any](r, http.StatusNoContent, bobsToken, "DELETE", path, "")
	queue := ask[[]held](r, http.StatusOK, bobsToken, "GET", "/moderation/queue", "")
	if queue[0].Claim == nil || queue[0].Claim.By != "ann" {
		t.Errorf("bob ended ann's claim, or cannot see it: %+v", queue[0])
	}
	ask[problem](r, http.StatusConflict, bobsToken, "POST", "/moderation/decisions", deciding("c", 1, event.Approved, ""))
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("c", 1, event.Approved, ""))
	if n := r.redis.Client().Exists(t.Context(), claimKey("c")).Val(); n != 0 {
		t.Error("deciding did not release the claim")
	}
	ask[problem](r, http.StatusNotFound, annsToken, "POST", path, "") // no longer in the queue

	r.judgedAs(event.Flagged, "d", "hmm", "x")
	ask[claim](r, http.StatusOK, annsToken, "POST", "/moderation/queue/d/claim", "")
	ask[outcome](r, http.StatusOK, bobsToken, "POST", "/moderation/decisions", deciding("d", 1, event.Rejected, `,"force":true`))
	ask[any](r, http.StatusNoContent, annsToken, "DELETE", "/moderation/queue/d/claim", "")
}

func TestLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	for i := range 5 {
		r.judgedAs(event.Approved, fmt.Sprintf("fine%d", i), "fine", "x")
	}
	r.judgedAs(event.Flagged, "c", "hmm", "x")
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("c", 1, event.Rejected, `,"reason":"rude"`))

	all := ask[[]logged](r, http.StatusOK, annsToken, "GET", "/moderation/log", "")
	if len(all) != 7 || all[0].CommentID != "c" || all[0].Moderator != "ann" || all[0].Reason != "rude" || *all[0].Content != "hmm" || all[6].CommentID != "fine0" {
		t.Fatalf("log: %+v", all)
	}
	var paged []logged
	for path := "/moderation/log?limit=2"; ; {
		page, next := askPage[[]logged](r, http.StatusOK, annsToken, "GET", path, "")
		paged = append(paged, page...)
		if next == "" {
			break
		}
		path = "/moderation/log" + next
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Error(diff)
	}
	for query, want := range map[string]int{
		"?moderator=ann": 1, "?moderator=rules": 6, "?comment=c": 2, "?status=flagged": 1, "?rule=unsure": 1, "?post=p&limit=100": 7,
		"?post=q": 0, "?moderator=rules&comment=c": 1, "?since=2100-01-01T00:00:00Z": 0, "?until=2100-01-01T00:00:00Z": 7,
		"?until=2001-01-01T00:00:00Z": 0, "?before=" + all[5].Entry.String(): 1,
	} {
		if got := ask[[]logged](r, http.StatusOK, annsToken, "GET", "/moderation/log"+query, ""); len(got) != want {
			t.Errorf("%s: %d verdicts, want %d", query, len(got), want)
		}
	}
	for _, query := range []string{"?status=pending", "?since=yesterday", "?before=x", "?limit=101", "?comment=a&comment=b"} {
		ask[problem](r, http.StatusBadRequest, annsToken, "GET", "/moderation/log"+query, "")
	}
}

func TestRulesAreShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	v := ask[rulesView](r, http.StatusOK, annsToken, "GET", "/moderation/rules", "")
	if v.Source != "built in" || len(v.Rules) != 2 || v.Rules[0].Name != "unsure" || v.Error != "" || v.Loaded.IsZero() || v.Otherwise != "approve" {
		t.Errorf("rules: %+v", v)
	}
	r.consumer.rules.failed(errors.New("line 3: a mistake"))
	if v := ask[rulesView](r, http.StatusOK, annsToken, "GET", "/moderation/rules", ""); v.Error != "line 3: a mistake" || len(v.Rules) != 2 {
		t.Errorf("with a mistake in the file: %+v", v)
	}
	r.consumer.rules.failed(Mistakes{{Line: 3, Entry: "x", Reason: "a mistake"}})
	warned := parse(t, "rules: [{name: w, then: hold, words: [fine, c++]}]")
	before := r.consumer.rules.current.Swap(&warned)
	v = ask[rulesView](r, http.StatusOK, annsToken, "GET", "/moderation/rules", "")
	if len(v.Mistakes) != 1 || v.Mistakes[0] != (Mistake{Line: 3, Entry: "x", Reason: "a mistake"}) || len(v.Warnings) != 1 || v.Warnings[0].Entry != "c++" {
		t.Errorf("mistakes %+v, warnings %+v", v.Mistakes, v.Warnings)
	}
	r.consumer.rules.current.Store(before)
	got := ask[tried](r, http.StatusOK, annsToken, "POST", "/moderation/check", `{"content":"NO!"}`)
	if got.Status != event.Rejected || got.Rule != "never" {
		t.Errorf("check: %+v", got)
	}
}

// The title is that of the latest entry, in whatever order they come, and none of
// a deleted post.
func TestTitles(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	for _, step := range []struct {
		title
		want string
	}{
		{title{Title: "second", Entry: bus.ID{Ms: 2}}, "second"},
		{title{Title: "first", Entry: bus.ID{Ms: 1}}, "second"},
		{title{Title: "third", Entry: bus.ID{Ms: 3}}, "third"},
		{title{Title: "third", Entry: bus.ID{Ms: 3}}, "third"},
		{title{Entry: bus.ID{Ms: 2}, Deleted: true}, ""},
		{title{Title: "fourth", Entry: bus.ID{Ms: 4}}, ""},
	} {
		if err := r.store.retitle(t.Context(), "p", step.title); err != nil {
			t.Fatal(err)
		}
		if got, err := r.store.titles(t.Context(), []string{"unknown", "p"}); err != nil || got[0] != "" || got[1] != step.want {
			t.Errorf("after %+v the titles are %q, want %q (%v)", step.title, got, step.want, err)
		}
	}
}
