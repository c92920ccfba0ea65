package moderator

import (
	"testing"

	"newsfeed/internal/event"
)

// A doubtful match holds a comment. It neither rejects nor approves one, and it
// does not shield a text from a later rule that rejects it.
func TestDecide_DoubtfulMatch(t *testing.T) {
	t.Parallel()
	rules := parse(t, `rules:
  - {name: no, words: [bad], then: reject, reason: bad words, note: Please rephrase.}
  - {name: friend, words: [friend], then: approve}
  - {name: ask, words: [odd], then: hold, reason: odd words}
  - {name: never, words: [worst], then: reject, reason: worst words}
`)
	const no, friend, ask, never = 0, 1, 2, 3
	sure, doubtful := match{}, match{doubt: "it is not certain"}
	held := Verdict{event.Flagged, "bad words; held, because it is not certain", "Please rephrase.", "no"}
	approved := Verdict{Status: event.Approved}
	for name, tt := range map[string]struct {
		words matches
		want  Verdict
	}{
		"nothing":                                 {nil, approved},
		"certain":                                 {matches{no: sure}, Verdict{event.Rejected, "bad words", "Please rephrase.", "no"}},
		"doubtful":                                {matches{no: doubtful}, held},
		"doubtful, then certain approval":         {matches{no: doubtful, friend: sure}, held},
		"doubtful, then certain rejection":        {matches{no: doubtful, never: sure}, Verdict{event.Rejected, "worst words", "", "never"}},
		"doubtful, then doubtful rejection":       {matches{no: doubtful, never: doubtful}, held},
		"doubtful, then approval and rejection":   {matches{no: doubtful, friend: sure, never: sure}, held},
		"doubtful approval":                       {matches{friend: doubtful}, approved},
		"doubtful approval, then rejection":       {matches{friend: doubtful, never: sure}, Verdict{event.Rejected, "worst words", "", "never"}},
		"certain approval, then rejection":        {matches{friend: sure, never: sure}, Verdict{event.Approved, `approved by the rule "friend"`, "", "friend"}},
		"doubtful match of a rule that holds":     {matches{ask: doubtful, never: sure}, Verdict{event.Flagged, "odd words", "", "ask"}},
		"doubtful rejection, then one that holds": {matches{no: doubtful, ask: sure, never: sure}, held},
	} {
		if got := rules.decide(inspection{words: tt.words}); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestMatches_KeepsTheCertainOne(t *testing.T) {
	t.Parallel()
	found := matches{}
	for _, m := range []match{{"a", "doubt"}, {"b", "other doubt"}, {"c", ""}, {"d", ""}, {"e", "doubt"}} {
		found.add(0, m)
	}
	if got := found[0]; got != (match{entry: "c"}) {
		t.Errorf("kept %+v, want the first certain match", got)
	}
}
