package main

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() row {
	r := row{Key: "x", What: "something", Unit: "events/s", Bounds: []bound{least(0.8, "bare"), least(20, "plain", "best")}}
	for _, f := range []float64{90, 100, 110, 5, 300} {
		r.add(newsfeed, f)
		r.add("bare", 2*f)
		r.add("plain", 1)
		r.add("best", 4)
	}
	return r
}

func TestBounds(t *testing.T) {
	r := sample()
	latency := row{Unit: "ms", Less: true, Bounds: []bound{most(1.3, "slow", "quick"), most(60)}}
	latency.add(newsfeed, 52)
	latency.add("slow", 80)
	latency.add("quick", 50)
	tests := []struct {
		name  string
		row   row
		bound bound
		ratio float64
		holds bool
		reach float64
		says  string
	}{
		{"a median of the rounds", r, r.Bounds[0], 0.5, false, 0.625, "at least 0.8 × bare"},
		{"the better of two counts", r, r.Bounds[1], 25, true, 1.25, "at least 20 × best"},
		{"where less is better, the smaller", latency, latency.Bounds[0], 1.04, true, 1.25, "at most 1.3 × quick"},
		{"a bound on the figure itself", latency, latency.Bounds[1], 52, true, 60.0 / 52, "at most 60 ms"},
		{"nobody there to compare with", r, least(1, "nobody"), math.NaN(), false, math.NaN(), "at least 1 × nobody"},
	}
	same := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-9 })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := []any{tt.row.ratio(tt.bound), tt.row.holds(tt.bound), tt.row.reach(tt.bound), tt.row.says(tt.bound)}
			if diff := cmp.Diff([]any{tt.ratio, tt.holds, tt.reach, tt.says}, got, same); diff != "" {
				t.Errorf("ratio, holds, reach, says (-want +got):\n%s", diff)
			}
		})
	}
}

// A row that misses one of its bounds is red wherever it is shown, and does not
// keep the others from being shown.
func TestAMissIsShown(t *testing.T) {
	r := sample()
	if r.met() {
		t.Error("the row is met, and one of its bounds is not")
	}
	if err := (&results{Rows: []row{r}}).verdict(); err == nil {
		t.Error("the run does not fail")
	}
	var printed strings.Builder
	r.print(&printed)
	for name, text := range map[string]string{"table": printed.String(), "markdown": markdown([]row{r})} {
		for _, want := range []string{"at least 0.8 × bare", "at least 20 × best", "100 [5–300]"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s does not say %q:\n%s", name, want, text)
			}
		}
		if got := strings.Count(strings.ToLower(text), "not met"); got < 1 {
			t.Errorf("the %s does not say that the row is not met:\n%s", name, text)
		}
	}
	if !strings.Contains(string(chartOf([]row{r})), `fill="#c33"`) {
		t.Error("the chart has no red bar")
	}
}

func TestNumbers(t *testing.T) {
	for f, want := range map[float64]string{0.07412: "0.0741", 12.345: "12.3", 999: "999", 1234.5: "1,234", 1234567: "1,234,567"} {
		if got := number(f); got != want {
			t.Errorf("number(%v) = %q, want %q", f, got, want)
		}
	}
	for p, want := range map[int]float64{50: 3, 99: 5, 0: 1} {
		if got := percentile([]float64{5, 1, 4, 2, 3}, p); got != want {
			t.Errorf("percentile %d = %v, want %v", p, got, want)
		}
	}
}
