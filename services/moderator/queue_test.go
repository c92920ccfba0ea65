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
		Rule: "unsure", Reason: "a person should see this", Since: first.Held, History: &history{Approved: 1, Rejected: 1, Held: 1},
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
	if keys := r.redis.Client().Keys(t.Context(), "*c1*").Val(); !slices.Equal(keys, []string{docKey("c1")}) {
		t.Errorf("left of the deleted comment: %v", keys)
	}
	if doc := r.redis.Client().Get(t.Context(), docKey("c1")).Val(); strings.Contains(doc, "hmm") {
		t.Errorf("the deleted text is still there: %s", doc)
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
		for _, token := range []string{"", "wrong", "token of ann ", PersonLine("ann", annsToken), "development"} {
			ask[problem](r, http.StatusUnauthorized, strings.TrimSpace(token)+"x", route.method, route.path, "")
		}
	}
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

func TestDecisions(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	r.judgedAs(event.Flagged, "c", "hmm", "x")
	const path = "/moderation/decisions"
	got := ask[outcome](r, http.StatusOK, annsToken, "POST", path, deciding("c", 2, event.Rejected, `,"reason":"rude","note":"Please rephrase."`))
	want := outcome{CommentID: "c", Code: 200, Status: event.Rejected, Decision: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	again := ask[outcome](r, http.StatusOK, annsToken, "POST", path, deciding("c", 2, event.Rejected, `,"reason":"rude","note":"Please rephrase."`))
	if again != want {
		t.Errorf("the same decision again made another: %+v", again)
	}
	if over := ask[outcome](r, http.StatusOK, bobsToken, "POST", path, deciding("c", 3, event.Approved, "")); over.Decision != 3 {
		t.Errorf("overruled: %+v", over)
	}
	all := r.decisionsOf("c")
	if len(all) != 3 {
		t.Fatalf("verdicts: %+v", all)
	}
	last := all[1]
	if *last.Status != event.Rejected || *last.Note != "Please rephrase." || *last.Moderator != "ann" || *last.Version != 1 || *last.Content != "hmm" {
		t.Errorf("ann's verdict: %+v", last)
	}

	for body, status := range map[string]int{
		deciding("c", 5, event.Approved, ""):                                        http.StatusConflict, // a version that cannot be of this text
		deciding("unknown", 1, event.Approved, ""):                                  http.StatusNotFound,
		deciding("c", 0, event.Approved, ""):                                        http.StatusBadRequest,
		deciding("c", -1, event.Approved, ""):                                       http.StatusBadRequest,
		deciding("a b", 1, event.Approved, ""):                                      http.StatusBadRequest,
		deciding("c", 1, event.Pending, ""):                                         http.StatusBadRequest,
		deciding("c", 1, "deleted", ""):                                             http.StatusBadRequest,
		deciding("c", 1, event.Approved, `,"note":"`+strings.Repeat("n", 1001)+`"`): http.StatusBadRequest,
		deciding("c", 1, event.Approved, `,"decisions":[]`):                         http.StatusBadRequest,
		deciding("c", 1, event.Approved, `,"moderator":"bob"`):                      http.StatusBadRequest,
		`{}`:               http.StatusBadRequest,
		`{"decisions":[]}`: http.StatusBadRequest,
		`{"decisions":[` + strings.Repeat(deciding("c", 1, event.Approved, "")+",", 100) + deciding("c", 1, event.Approved, "") + `]}`: http.StatusBadRequest,
	} {
		ask[problem](r, status, annsToken, "POST", path, body)
	}
	if n := len(r.decisionsOf("c")); n != 3 {
		t.Errorf("what was refused made verdicts: %d, want 3", n)
	}
}

func TestDecisionOnATextThatHasChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	r.judgedAs(event.Flagged, "c", "hmm", "x")
	r.judgedAs(event.Flagged, "c", "hmm, worse", "x") // version 3
	ask[problem](r, http.StatusConflict, annsToken, "POST", "/moderation/decisions", deciding("c", 1, event.Approved, ""))
	ask[problem](r, http.StatusConflict, annsToken, "POST", "/moderation/decisions", deciding("c", 2, event.Approved, ""))
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("c", 3, event.Approved, ""))

	// A foreign comment has no version: the entry says which text was read.
	foreign := func(content string) bus.ID {
		e, err := event.New("somebody", event.TypeCommentCreated,
			event.Comment{PostID: "p", ID: "f", Content: &content, Status: new(event.Pending)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.bus.Publish(t.Context(), event.Stream(event.Comments), e)
		if err != nil {
			t.Fatal(err)
		}
		r.await("f", id)
		return id
	}
	first, second := foreign("hmm"), foreign("hmm, worse")
	body := func(entry bus.ID) string {
		return fmt.Sprintf(`{"commentId":"f","entry":%q,"status":"approved"}`, entry)
	}
	ask[problem](r, http.StatusConflict, annsToken, "POST", "/moderation/decisions", body(first))
	ask[problem](r, http.StatusConflict, annsToken, "POST", "/moderation/decisions", deciding("f", 1, event.Approved, ""))
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", body(second))
}

func TestManyDecisionsEachWithItsOutcome(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding, nil)
	var list []string
	for i := range 97 {
		id := fmt.Sprintf("c%d", i)
		r.write(id, "hmm", "x")
		list = append(list, deciding(id, 1, event.Approved, ""))
	}
	bustest.Eventually(t, 20*time.Second, "all are held", func() bool {
		sum, err := r.store.waiting(t.Context())
		return err == nil && sum.Held == 97
	})
	r.judgedAs(event.Flagged, "edited", "hmm", "x")
	r.judgedAs(event.Flagged, "edited", "hmm!", "x")
	r.judgedAs(event.Flagged, "taken", "hmm", "x")
	ask[claim](r, http.StatusOK, bobsToken, "POST", "/moderation/queue/taken/claim", "")
	list = append(list, deciding("edited", 1, event.Approved, ""), deciding("taken", 1, event.Approved, ""), deciding("unknown", 1, event.Approved, ""))
	got := ask[map[string][]outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions",
		`{"decisions":[`+strings.Join(list, ",")+`]}`)["outcomes"]
	for i, o := range got {
		want := 200
		switch o.CommentID {
		case "edited", "taken":
			want = 409
		case "unknown":
			want = 404
		}
		if o.Code != want || (o.Code == 200) != (o.Status == event.Approved) || (o.Code != 200) != (o.Detail != "") {
			t.Errorf("outcome %d: %+v, want %d", i, o, want)
		}
	}
	if len(got) != 100 {
		t.Errorf("%d outcomes", len(got))
	}
	if sum, err := r.store.waiting(t.Context()); err != nil || sum.Held != 2 {
		t.Errorf("held after that: %+v, %v", sum, err)
	}
}

// A decision stays when the group is made anew at 0 and everything is replayed,
// and the replay says nothing new.
func TestOverruleStaysAfterAReplay(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding+"  - {name: copies, maxCopies: 1 in 1h, then: hold}\n  - {name: pace, maxRate: 3 in 1h, then: hold}\n", nil)
	statuses := map[string]event.Status{"a": event.Approved, "b": event.Flagged, "c": event.Rejected, "d": event.Flagged, "e": event.Flagged}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		texts := map[string]string{"a": "fine", "b": "hmm", "c": "no", "d": "Fine!", "e": "hurry"}
		r.judgedAs(statuses[id], id, texts[id], "x")
	}
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("a", 1, event.Rejected, ""))
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("b", 1, event.Approved, ""))
	before, err := r.bus.Last(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	client := r.redis.Client()
	for _, s := range []string{event.Stream(event.Comments), event.Stream(event.Posts)} {
		if err := client.XGroupDestroy(t.Context(), s, event.Moderator).Err(); err != nil {
			t.Fatal(err)
		}
	}
	r.start()
	last, err := r.bus.Last(t.Context(), event.Stream(event.Comments))
	if err != nil {
		t.Fatal(err)
	}
	bustest.Eventually(t, 20*time.Second, "everything has been replayed", func() bool {
		passed, err := r.bus.Passed(t.Context(), event.Stream(event.Comments), event.Moderator, last)
		return err == nil && passed
	})
	if after, err := r.bus.Last(t.Context(), stream); err != nil || after != before {
		t.Errorf("the replay made verdicts: the last is %s, was %s (%v)", after, before, err)
	}
	for id, want := range map[string]event.Status{"a": event.Rejected, "b": event.Approved, "c": event.Rejected, "d": event.Flagged} {
		if d, _, err := r.store.load(t.Context(), id); err != nil || d.Status != want {
			t.Errorf("%s is %s after the replay, want %s (%v)", id, d.Status, want, err)
		}
	}
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
	if len(all) != 7 || all[0].CommentID != "c" || all[0].Moderator != "ann" || all[0].Reason != "rude" || all[0].Content != "hmm" || all[6].CommentID != "fine0" {
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
	got := ask[tried](r, http.StatusOK, annsToken, "POST", "/moderation/check", `{"content":"NO!"}`)
	if got.Status != event.Rejected || got.Rule != "never" {
		t.Errorf("check: %+v", got)
	}
}
