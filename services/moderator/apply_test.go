package moderator

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
)

// again judges anew and returns the changes by comment.
func (r *rig) again(a Again, want Tally) map[string]Change {
	r.t.Helper()
	changes := map[string]Change{}
	a.Changed = func(c Change) { changes[c.Comment] = c }
	progress := 0
	a.Progress = func(Tally) { progress++ }
	got, err := JudgeAgain(r.t.Context(), r.bus, a)
	if err != nil {
		r.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Error(diff)
	}
	if got.Seen > againChunk && progress == 0 {
		r.t.Error("it does not say how far it is")
	}
	return changes
}

func TestJudgeAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, holding+"  - {name: copies, maxCopies: 1 in 1h, then: hold}\n", nil)
	r.judgedAs(event.Approved, "fine", "fine word", "a")
	r.judgedAs(event.Approved, "tea", "a cup of tea", "a")
	r.judgedAs(event.Flagged, "hmm", "hmm", "a")
	r.judgedAs(event.Rejected, "no", "no", "a")
	r.judgedAs(event.Flagged, "copy", "Fine word", "a")
	r.judgedAs(event.Approved, "person", "tea again", "a")
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("person", 1, event.Approved, `,"reason":"I like tea"`))
	r.judgedAs(event.Approved, "deleted", "tea", "a")
	gone := r.publish(event.TypeCommentDeleted, event.CommentDeleted{PostID: "p", ID: "deleted"})
	r.until(func() bool { d, _, err := r.store.load(t.Context(), "deleted"); return err == nil && d.Entry == gone })

	rules := parse(t, `rules:
  - {name: tea, words: [tea], then: reject, reason: no tea here}
  - {name: copies, maxCopies: 1 in 1h, then: hold}
`)
	before, err := r.bus.Last(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	want := Tally{Seen: 6, Changed: 3, ByPerson: 1}
	dry := r.again(Again{Rules: rules, DryRun: true}, want)
	if after, err := r.bus.Last(t.Context(), stream); err != nil || after != before {
		t.Errorf("the dry run wrote something: %s, %v", after, err)
	}
	if diff := cmp.Diff(dry, r.again(Again{Rules: rules}, want)); diff != "" {
		t.Errorf("the dry run said something else: %s", diff)
	}
	for id, status := range map[string]event.Status{"tea": event.Rejected, "hmm": event.Approved, "no": event.Approved} {
		if c, ok := dry[id]; !ok || c.Now.Status != status {
			t.Errorf("%s: %+v, want %s", id, c, status)
		}
	}
	for id, status := range map[string]event.Status{
		"fine": event.Approved, "tea": event.Rejected, "hmm": event.Approved, "no": event.Approved, "copy": event.Flagged, "person": event.Approved,
	} {
		d, _, err := r.store.load(t.Context(), id)
		if err != nil || d.Status != status {
			t.Errorf("%s is %s, want %s (%v)", id, d.Status, status, err)
		}
		last := r.decisionsOf(id)
		if got := last[len(last)-1]; *got.Status != status || *got.Decision != d.Number {
			t.Errorf("the last verdict that went out on %s: %+v", id, got)
		}
	}
	if sum, err := r.store.waiting(t.Context()); err != nil || sum.Held != 1 || sum.Oldest != "copy" {
		t.Errorf("the queue after that: %+v, %v", sum, err)
	}
	r.again(Again{Rules: rules}, Tally{Seen: 6, ByPerson: 1})
	r.again(Again{Rules: rules, Last: 2}, Tally{Seen: 2, ByPerson: 1})
	r.again(Again{Rules: rules, Since: time.Now().Add(time.Hour)}, Tally{})
}

// Where a rule decided and none does any more, the external judge is asked, and
// nothing is let through without.
func TestJudgeAgainAsksTheJudge(t *testing.T) {
	t.Parallel()
	server, asked := judgeThat(t, func(q question) reply {
		if q.CommentID == "lie" {
			return reply{body: `{"status":"approved"}`, unsigned: true}
		}
		return reply{body: `{"status":"rejected","reason":"so it is"}`}
	})
	r := newRig(t, holding, nil)
	r.judgedAs(event.Approved, "fine", "fine", "a")
	r.judgedAs(event.Flagged, "hmm", "hmm", "a")
	r.judgedAs(event.Rejected, "lie", "no", "a")
	again := Again{
		Config: Config{JudgeURL: HookURL(server.URL), JudgeSecret: judgeSecret, JudgeTimeout: time.Second}, Log: slog.New(slog.DiscardHandler),
	}
	changes := r.again(again, Tally{Seen: 3, Changed: 2})
	if changes["hmm"].Now.Status != event.Rejected || changes["lie"].Now.Status != event.Flagged || asked.Load() != 2 {
		t.Errorf("asked %d times: %+v", asked.Load(), changes)
	}
	r.again(again, Tally{Seen: 3}) // what the judge has decided stays
	if n := asked.Load(); n != 2 {
		t.Errorf("asked again: %d", n)
	}
}

func TestJudgeAgainGoesThroughAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, "rules: []", nil)
	const n = 2*againChunk + 5
	for i := range n {
		r.write(fmt.Sprintf("c%d", i), "tea", "a")
	}
	client := r.redis.Client()
	r.until(func() bool { return client.ZCard(t.Context(), idsKey).Val() == n })
	rules := parse(t, "rules: [{name: tea, words: [tea], then: hold}]")
	r.again(Again{Rules: rules, Last: againChunk + 1, DryRun: true}, Tally{Seen: againChunk + 1, Changed: againChunk + 1})
	r.again(Again{Rules: rules}, Tally{Seen: n, Changed: n})
	if sum, err := r.store.waiting(t.Context()); err != nil || sum.Held != n {
		t.Errorf("held: %+v, %v", sum, err)
	}
	// A whole chunk that is deleted between the two reads is not the end.
	latest := client.ZRange(t.Context(), idsKey, -againChunk, -1).Val()
	for _, member := range latest {
		_, id, _ := strings.Cut(member, " ")
		client.Del(t.Context(), docKey(id))
	}
	r.again(Again{Rules: rules}, Tally{Seen: n - againChunk})
}
