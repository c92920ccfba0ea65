package main

import (
	"fmt"
	"strings"
	"testing"

	"newsfeed/internal/bus"
)

func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name, come string // events as id or id<cause; "." lets holdFor go by
		want       string
	}{
		{"nothing waits without a cause", "a b", "a b"},
		{"the cause was first", "a b<a c<b", "a b c"},
		{"the effect was first", "b<a x a", "x a b"},
		{"the chain backwards", "c<b b<a a", "a b c"},
		{"the cause never comes", "b<a x . y", "x b y"},
		{"nor that of a chain", "c<b b<a . x", "b c x"},
		{"two effects keep their order", "b<a c<a a", "a b c"},
		{"its own cause", "a<a b .", "b a"},
		{"each other's cause", "a<b b<a .", "a b"},
		{"the end comes first", "x b<a", "x b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			drawn := map[string]bool{}
			var got []string
			draw := func(entries []bus.Entry) {
				for _, e := range entries {
					drawn[e.Event.ID] = true
					got = append(got, e.Event.ID)
				}
			}
			o := &order{knows: func(id string) bool { return drawn[id] }}
			now := noon
			for word := range strings.FieldsSeq(tt.come) {
				if word == "." {
					now = now.Add(holdFor)
					draw(o.due(now))
					continue
				}
				id, cause, _ := strings.Cut(word, "<")
				draw(o.take(entry("posts", "Thing", id, cause, 0, `{}`), now))
			}
			draw(o.rest())
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("order = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOrderHoldsSoMany(t *testing.T) {
	o := &order{knows: func(string) bool { return false }}
	through := 0
	for i := range holdMost + 5 {
		through += len(o.take(entry("posts", "Thing", fmt.Sprint("e", i), "never", 0, `{}`), noon))
	}
	if through != 5 || len(o.held) != holdMost {
		t.Errorf("%d let through and %d held, want 5 and %d", through, len(o.held), holdMost)
	}
}
