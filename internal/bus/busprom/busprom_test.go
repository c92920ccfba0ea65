package busprom_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"newsfeed/internal/bus/busprom"
)

// What a group reads is there with 0 before anything has come, and what it passes
// over because it wrote it too: of its own stream, and of no other.
func TestSeriesBeginAtNothing(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := busprom.New(reg, []string{"A", "B", "C"})
	m.Reads("one", map[string][]string{"{one}:events": {"A", "B"}, "{two}:events": {"C"}}, "{one}:events")
	m.Reads("three", map[string][]string{"{two}:events": {"C"}}, "")
	const want = `
		# HELP newsfeed_events_consumed_total Entries that a group is done with, by outcome: handled, own (written by itself, nothing to do), ignored, unknown (a type that nobody here knows) or died (a dead letter).
		# TYPE newsfeed_events_consumed_total counter
		newsfeed_events_consumed_total{group="one",outcome="handled",stream="{one}:events",type="A"} 0
		newsfeed_events_consumed_total{group="one",outcome="handled",stream="{one}:events",type="B"} 0
		newsfeed_events_consumed_total{group="one",outcome="handled",stream="{one}:events",type="other"} 0
		newsfeed_events_consumed_total{group="one",outcome="handled",stream="{one}:redrive",type="other"} 0
		newsfeed_events_consumed_total{group="one",outcome="handled",stream="{two}:events",type="C"} 0
		newsfeed_events_consumed_total{group="one",outcome="handled",stream="{two}:events",type="other"} 0
		newsfeed_events_consumed_total{group="one",outcome="own",stream="{one}:events",type="A"} 0
		newsfeed_events_consumed_total{group="one",outcome="own",stream="{one}:events",type="B"} 0
		newsfeed_events_consumed_total{group="three",outcome="handled",stream="{three}:redrive",type="other"} 0
		newsfeed_events_consumed_total{group="three",outcome="handled",stream="{two}:events",type="C"} 0
		newsfeed_events_consumed_total{group="three",outcome="handled",stream="{two}:events",type="other"} 0
	`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "newsfeed_events_consumed_total"); err != nil {
		t.Error(err)
	}
}
