package moderator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"newsfeed/internal/event"
)

func TestRules_AuthorsAndNetworks(t *testing.T) {
	t.Parallel()
	rules, err := ParseRules([]byte(`rules:
  - {name: persistent, authors: [0f1e2d3c, "second"], then: reject}
  - {name: neighbourhood, networks: [9a8b7c], then: hold}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		authors, networks []string
		rule              string
	}{
		{[]string{"0f1e2d3c"}, nil, "persistent"},
		{[]string{"new", "second"}, []string{"9a8b7c"}, "persistent"},
		{[]string{"new"}, []string{"new", "9a8b7c"}, "neighbourhood"},
		{[]string{"9a8b7c"}, []string{"second"}, ""},
		{nil, nil, ""},
	} {
		got := rules.Decide(Text{Content: "hello", AuthorKeys: tt.authors, NetworkKeys: tt.networks})
		if got.Rule != tt.rule {
			t.Errorf("authors %v, networks %v: rule %q, want %q", tt.authors, tt.networks, got.Rule, tt.rule)
		}
	}
}

func TestParseRules_KeyThatNeverMatches_IsRefused(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"192.0.2.1", "192.0.2.0/24", "2001:db8::/48", "::1", "two words", strings.Repeat("k", 129)} {
		for _, condition := range []string{"authors", "networks"} {
			_, err := ParseRules([]byte(fmt.Sprintf("rules:\n  - {name: a, %s: [%q], then: hold}", condition, key)))
			if err == nil || !strings.HasPrefix(err.Error(), "line 2: "+condition+": entry 1: is ") {
				t.Errorf("%s: [%s]: error %v", condition, key, err)
			}
		}
	}
}

// What is known of an author is found under each of the values of their key.
func TestFirstComments_KeyChanged_AuthorIsStillKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t, "rules:\n  - {name: newcomers, firstComments: 1, then: hold}", nil)
	if d := r.writeAs("c1", "one", "old"); d.Status != event.Flagged {
		t.Fatalf("the first comment is %s", d.Status)
	}
	ask[outcome](r, http.StatusOK, annsToken, "POST", "/moderation/decisions", deciding("c1", 1, event.Approved, ""))
	if d := r.writeAs("c2", "two", "new", "old"); d.Status != event.Approved {
		t.Errorf("after the change: %s", d.Status)
	}
	if d := r.writeAs("c3", "three", "newer", "new"); d.Status != event.Approved {
		t.Errorf("after another change: %s", d.Status)
	}
	// A replica that has not changed yet finds what others wrote under both.
	if d := r.writeAs("c4", "four", "old"); d.Status != event.Approved {
		t.Errorf("under the old key: %s", d.Status)
	}
	if d := r.writeAs("c5", "five", "stranger"); d.Status != event.Flagged {
		t.Errorf("of another author: %s", d.Status)
	}
	held := ask[[]held](r, http.StatusOK, annsToken, "GET", "/moderation/queue", "")
	if len(held) != 1 || held[0].AuthorKey != "stranger" || held[0].NetworkKey != "net of stranger" || !held[0].History.First {
		t.Errorf("queue: %+v", held)
	}
}

func TestMaxRate_KeyChanged_CountsBoth(t *testing.T) {
	t.Parallel()
	r := newRig(t, "rules:\n  - {name: hurry, maxRate: 2 in 1h, then: hold}", nil)
	r.writeAs("c1", "one", "old")
	r.writeAs("c2", "two", "old")
	if d := r.writeAs("c3", "three", "new", "old"); d.Status != event.Flagged {
		t.Errorf("the third in an hour: %s", d.Status)
	}
}
