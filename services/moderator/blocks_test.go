package moderator

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
)

const (
	blocksPath = "/moderation/blocks"
	banRules   = "rules:\n  - {name: ban, words: [casino], then: reject}"
)

// writeAs publishes a new comment with these keys.
func (r *rig) writeAs(id, content string, keys ...string) decision {
	r.t.Helper()
	r.versions[id] = 1
	c := event.Comment{
		PostID: "p", ID: id, Content: &content, Status: new(event.Pending), Version: new(int64(1)),
		AuthorKey: &keys[0], AuthorKeys: keys[1:], NetworkKey: new("net of " + keys[0]),
	}
	return r.await(id, r.publish(event.TypeCommentCreated, c))
}

func blocking(comment, kind, then, more string) string {
	return fmt.Sprintf(`{"commentId":%q,"kind":%q,"then":%q%s}`, comment, kind, then, more)
}

func TestBlocks_Author_HoldsRejectsAndEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.judgedAs(event.Approved, "c1", "hello", "x")

	b := ask[block](r, http.StatusCreated, annsToken, "POST", blocksPath, blocking("c1", "author", "hold", `,"reason":"keeps at it","note":"Wait."`))
	want := block{
		ID: b.ID, Kind: "author", Keys: []string{"x"}, Then: "hold", Reason: "keeps at it", Note: "Wait.", By: "ann",
		Time: b.Time, CommentID: "c1", PostID: "p",
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("block (-want +got):\n%s", diff)
	}
	d := r.judgedAs(event.Flagged, "c2", "hello again", "x")
	if d.Rule != "blocked author" || d.Block != b.ID || d.Note != "Wait." || d.Reason == "keeps at it" {
		t.Errorf("held: %+v", d)
	}
	r.judgedAs(event.Approved, "c3", "hello again", "somebody else")
	if d := r.judgedAs(event.Rejected, "c4", "casino", "x"); d.Rule != "ban" {
		t.Errorf("a rule that rejects is stricter than a block that holds; decided by %q", d.Rule)
	}
	if again := ask[block](r, http.StatusOK, annsToken, "POST", blocksPath, blocking("c2", "author", "hold", `,"reason":"keeps at it","note":"Wait."`)); again.ID != b.ID || !again.Time.Equal(b.Time) {
		t.Errorf("the same again changed it: %+v", again)
	}

	stricter := ask[block](r, http.StatusOK, bobsToken, "POST", blocksPath, blocking("c2", "author", "reject", ""))
	if stricter.ID != b.ID || stricter.Then != "reject" || stricter.By != "bob" {
		t.Errorf("changed: %+v", stricter)
	}
	r.judgedAs(event.Rejected, "c5", "hello", "x")
	if list := ask[[]block](r, http.StatusOK, annsToken, "GET", blocksPath, ""); len(list) != 1 || !cmp.Equal(list[0], stricter) {
		t.Errorf("list: %+v", list)
	}

	ask[any](r, http.StatusNoContent, annsToken, "DELETE", blocksPath+"/"+b.ID, "")
	ask[problem](r, http.StatusNotFound, annsToken, "DELETE", blocksPath+"/"+b.ID, "")
	if list := ask[[]block](r, http.StatusOK, annsToken, "GET", blocksPath, ""); len(list) != 0 {
		t.Errorf("list after it was removed: %+v", list)
	}
	r.judgedAs(event.Approved, "c6", "hello", "x")
	ask[block](r, http.StatusCreated, annsToken, "POST", blocksPath, blocking("c6", "author", "hold", ""))
	r.judgedAs(event.Flagged, "c7", "hello", "x")
}

func TestBlocks_Network_CoversEveryAuthorInIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	publish := func(id, author, network string) decision {
		r.versions[id] = 1
		return r.await(id, r.publish(event.TypeCommentCreated, event.Comment{
			PostID: "p", ID: id, Content: new("hello"), Status: new(event.Pending), Version: new(int64(1)),
			AuthorKey: &author, NetworkKey: &network,
		}))
	}
	publish("c1", "x", "n")
	b := ask[block](r, http.StatusCreated, annsToken, "POST", blocksPath, blocking("c1", "network", "reject", ""))
	if d := publish("c2", "y", "n"); d.Status != event.Rejected || d.Block != b.ID || d.Rule != "blocked network" {
		t.Errorf("of the network: %+v", d)
	}
	if d := publish("c3", "x", "elsewhere"); d.Status != event.Approved {
		t.Errorf("of another network: %s", d.Status)
	}
}

// A block is found by each of the values that an event carries, so that it holds
// before and after a change of the key.
func TestBlocks_KeyChanged_StillHold(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.writeAs("c1", "hello", "old")
	b := ask[block](r, http.StatusCreated, annsToken, "POST", blocksPath, blocking("c1", "author", "hold", ""))
	if d := r.writeAs("c2", "hello", "new", "old"); d.Block != b.ID {
		t.Errorf("after the change: %s, block %q", d.Status, d.Block)
	}
	// Blocked again from a comment under the new key, it holds without the old one too.
	if again := ask[block](r, http.StatusOK, annsToken, "POST", blocksPath, blocking("c2", "author", "hold", "")); again.ID != b.ID {
		t.Errorf("blocked a second time: %+v", again)
	}
	for i, keys := range [][]string{{"new"}, {"old"}, {"newer", "new"}} {
		if d := r.writeAs(fmt.Sprint("d", i), "hello", keys...); d.Block != b.ID {
			t.Errorf("keys %v: %s, block %q", keys, d.Status, d.Block)
		}
	}
	if d := r.writeAs("e", "hello", "other"); d.Status != event.Approved {
		t.Errorf("another author: %s", d.Status)
	}
}

func TestBlocks_Until_EndsByItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.judgedAs(event.Approved, "c1", "hello", "x")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	b := ask[block](r, http.StatusCreated, annsToken, "POST", blocksPath, blocking("c1", "author", "hold", fmt.Sprintf(`,"until":%q`, until.Format(time.RFC3339))))
	if !b.Until.Equal(until) {
		t.Errorf("until %s, want %s", b.Until, until)
	}
	d := r.judgedAs(event.Flagged, "c2", "hello", "x")
	ctx := t.Context()
	for now, want := range map[time.Time]int{until.Add(-time.Second): 1, until.Add(time.Second): 0} {
		if in, err := r.store.blocking(ctx, d, now); err != nil || len(in) != want {
			t.Errorf("at %s: %d blocks, %v; want %d", now, len(in), err, want)
		}
	}
	if err := r.store.endBlocks(ctx, until.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if n := r.redis.Client().ZCard(ctx, blocksKey).Val(); n != 1 {
		t.Errorf("%d blocks before the time is over, want 1", n)
	}
	if err := r.store.endBlocks(ctx, until.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, m := r.redis.Client().ZCard(ctx, blocksKey).Val(), r.redis.Client().ZCard(ctx, blockedKey).Val(); n != 0 || m != 0 {
		t.Errorf("%d blocks and %d places after the time is over, want none", n, m)
	}
}

// What a block decided stays when the rules are applied again, as long as nobody
// decides otherwise.
func TestBlocks_RulesApplied_VerdictStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.judgedAs(event.Approved, "c1", "hello", "x")
	ask[block](r, http.StatusCreated, annsToken, "POST", blocksPath, blocking("c1", "author", "reject", ""))
	r.judgedAs(event.Rejected, "c2", "hello", "x")
	tally, err := JudgeAgain(t.Context(), r.bus, Again{Rules: r.consumer.rules.Current()})
	if err != nil || tally.Seen != 2 || tally.Changed != 0 {
		t.Errorf("judged again: %+v, %v; want 2 seen and none changed", tally, err)
	}
}

func TestBlocks_BadRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.judgedAs(event.Approved, "c1", "hello", "x")
	nobody := r.publish(event.TypeCommentCreated, event.Comment{PostID: "p", ID: "c2", Content: new("hello"), Status: new(event.Pending)})
	r.await("c2", nobody)
	for body, status := range map[string]int{
		blocking("c1", "host", "hold", ""):                                  http.StatusBadRequest,
		blocking("c1", "author", "approve", ""):                             http.StatusBadRequest,
		blocking("a b", "author", "hold", ""):                               http.StatusBadRequest,
		blocking("c1", "author", "hold", `,"until":"2001-01-01T00:00:00Z"`): http.StatusBadRequest,
		blocking("c1", "author", "hold", `,"by":"bob"`):                     http.StatusBadRequest,
		blocking("unknown", "author", "hold", ""):                           http.StatusNotFound,
		blocking("c2", "author", "hold", ""):                                http.StatusUnprocessableEntity,
		blocking("c2", "network", "hold", ""):                               http.StatusUnprocessableEntity,
	} {
		ask[problem](r, status, annsToken, "POST", blocksPath, body)
	}
	ask[problem](r, http.StatusUnauthorized, "no token of ours", "POST", blocksPath, blocking("c1", "author", "hold", ""))
	ask[problem](r, http.StatusUnauthorized, "no token of ours", "GET", blocksPath, "")
	ask[problem](r, http.StatusUnauthorized, "no token of ours", "DELETE", blocksPath+"/x", "")
	ask[problem](r, http.StatusNotFound, annsToken, "DELETE", blocksPath+"/x", "")
}

func TestLog_ShowsBlocksAndTakedowns(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.post("p", "A post")
	r.judgedAs(event.Approved, "c1", "hello", "x")
	b := ask[block](r, http.StatusCreated, annsToken, "POST", blocksPath, blocking("c1", "author", "hold", `,"reason":"keeps at it"`))
	ask[any](r, http.StatusNoContent, bobsToken, "DELETE", blocksPath+"/"+b.ID, "")
	ask[takedown](r, http.StatusAccepted, annsToken, "POST", "/moderation/posts/p/takedown", `{"reason":"spam","note":"No."}`)

	all := ask[[]logged](r, http.StatusOK, annsToken, "GET", "/moderation/log?post=p", "")
	var got []logged
	for _, l := range all {
		got = append(got, logged{Action: l.Action, CommentID: l.CommentID, PostID: l.PostID, Moderator: l.Moderator, Reason: l.Reason, Note: l.Note, Block: l.Block})
	}
	of := &loggedBlock{ID: b.ID, Kind: "author", Key: "x", Then: "hold"}
	want := []logged{
		{Action: "takedown", PostID: "p", Moderator: "ann", Reason: "spam", Note: "No."},
		{Action: "unblock", CommentID: "c1", PostID: "p", Moderator: "bob", Reason: "keeps at it", Block: of},
		{Action: "block", CommentID: "c1", PostID: "p", Moderator: "ann", Reason: "keeps at it", Block: of},
		{Action: "verdict", CommentID: "c1", PostID: "p", Moderator: "rules"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if page := ask[[]logged](r, http.StatusOK, annsToken, "GET", "/moderation/log?action=unblock", ""); len(page) != 1 || page[0].Action != "unblock" {
		t.Errorf("log of one action: %+v", page)
	}
	ask[problem](r, http.StatusBadRequest, annsToken, "GET", "/moderation/log?action=read", "")
}
