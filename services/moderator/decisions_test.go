package moderator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

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
