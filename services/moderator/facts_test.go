package moderator

import (
	"fmt"
	"net/http"
	"testing"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/markdown"
)

func TestRulesAboutAnAuthor(t *testing.T) {
	t.Parallel()
	r := newRig(t, `rules:
  - {name: pace, maxRate: 3 in 1h, then: hold}
  - {name: newcomers, firstComments: 1, then: hold}
`, nil)
	first := r.judgedAs(event.Flagged, "c1", "one", "ann")
	if first.Rule != "newcomers" {
		t.Errorf("held by %q", first.Rule)
	}
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("c1", 1, event.Approved, ""))
	r.judgedAs(event.Approved, "c2", "two", "ann")
	r.judgedAs(event.Flagged, "other", "two", "bob") // an author is known by the key
	r.judgedAs(event.Approved, "c3", "three", "ann")
	if d := r.judgedAs(event.Flagged, "c4", "four", "ann"); d.Rule != "pace" {
		t.Errorf("the fourth in an hour is held by %q", d.Rule)
	}
	// An edit of the only approved comment does not vouch for itself.
	r2 := newRig(t, "rules: [{name: newcomers, firstComments: 1, then: hold}]", nil)
	r2.judgedAs(event.Flagged, "c1", "one", "ann")
	ask[outcome](r2, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("c1", 1, event.Approved, ""))
	r2.judgedAs(event.Flagged, "c1", "another", "ann")
}

func TestRulesAboutCopies(t *testing.T) {
	t.Parallel()
	r := newRig(t, "rules: [{name: copies, maxCopies: 2 in 1h, then: hold}]", nil)
	r.judgedAs(event.Approved, "c1", "Cheap watches!", "a")
	r.judgedAs(event.Approved, "c1", "cheap WATCHES", "a") // an edit is no copy
	r.judgedAs(event.Approved, "c2", "cheap  watches?", "b")
	r.judgedAs(event.Approved, "other", "cheap clocks", "c")
	r.judgedAs(event.Flagged, "c3", "ｃｈｅａｐ wat\u200bches", "c")
	r.judgedAs(event.Approved, "e1", "😀", "c")
	r.judgedAs(event.Approved, "e2", "😡", "c")
}

// What rules ask for is found again when an entry is judged again, also when more
// has come since: nothing that is later than the entry counts.
func TestFactsAreOfTheEntry(t *testing.T) {
	t.Parallel()
	r := newRig(t, "rules: []", nil)
	rules := parse(t, "rules: [{name: pace, maxRate: 9 in 1h, then: hold}, {name: copies, maxCopies: 9 in 10m, then: hold}]")
	rates, copies := rules.windows()
	d := func(i int) decision {
		return decision{
			ID: fmt.Sprintf("c%d", i), Content: "same", AuthorKey: "k",
			Entry: bus.ID{Ms: 1_700_000_000_000 + uint64(i)*60_000, Seq: 1},
		}
	}
	get := func(i int) (int, int) {
		t.Helper()
		text, err := r.store.facts(t.Context(), rules, d(i), true)
		if err != nil {
			t.Fatal(err)
		}
		return text.Rate[rates[0]], text.Copies[copies[0]]
	}
	// One a minute: within an hour there are 60, within ten minutes 10.
	for i := range 300 {
		rate, same := get(i)
		if rate != min(i+1, 60) || same != min(i+1, 10) {
			t.Fatalf("entry %d: %d by the author, %d the same; want %d and %d", i, rate, same, min(i+1, 60), min(i+1, 10))
		}
	}
	for _, i := range []int{299, 220, 285, 220, 299} {
		if rate, same := get(i); rate != 60 || same != 10 {
			t.Errorf("entry %d again: %d by the author, %d the same; want 60 and 10", i, rate, same)
		}
	}
	client := r.redis.Client()
	for _, key := range []string{paceKey("k"), sameKey(fingerprint("same", markdown.Reading{}))} {
		if ttl := client.PTTL(t.Context(), key).Val(); ttl <= 0 {
			t.Errorf("%s stays for ever (%s)", key, ttl)
		}
		if n := client.ZCard(t.Context(), key).Val(); n > 185 {
			t.Errorf("%s has grown to %d", key, n)
		}
	}
}
