package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// print writes the row: this project's figure, those of the others with the
// ratio to each, and what was asked.
func (r row) print(w io.Writer) {
	verdict := ""
	switch {
	case len(r.Bounds) == 0:
		verdict = "(to compare)"
	case !r.met():
		verdict = "NOT MET"
	}
	fmt.Fprintf(w, "\n%s, %s  %s\n", r.What, r.Unit, verdict)
	for _, s := range r.Series {
		ratio := ""
		if s.Name != newsfeed {
			ratio = fmt.Sprintf("%8.3g", r.median(newsfeed)/median(s.Rounds))
		}
		fmt.Fprintf(w, "  %-48s %30s %s%s\n", s.Name, s.spread(), ratio, r.asked(s.Name))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "    %s\n", n)
	}
	if r.Profile != "" {
		fmt.Fprintf(w, "    profile: bench/results/profiles/%s\n", r.Profile)
	}
}

// asked says what the row's bounds ask of the ratio to a contestant.
func (r row) asked(name string) string {
	var all []string
	for _, b := range r.Bounds {
		counts := name == newsfeed
		if len(b.Against) > 0 {
			best, _ := r.best(b.Against)
			counts = best == name
		}
		if counts {
			all = append(all, "  "+r.says(b)+": "+r.verdict(b))
		}
	}
	return strings.Join(all, ",")
}

func (r row) verdict(b bound) string {
	if r.holds(b) {
		return "met"
	}
	return "NOT MET"
}

// markdown writes all rows as one table.
func markdown(rows []row) string {
	var b strings.Builder
	b.WriteString("| what | contestant | median [smallest–largest] | newsfeed ÷ it | asked | |\n|---|---|---|---|---|---|\n")
	for _, r := range rows {
		for i, s := range r.Series {
			what, ratio := "", ""
			if i == 0 {
				what = fmt.Sprintf("**%s**, %s", r.What, r.Unit)
			}
			if s.Name != newsfeed {
				ratio = fmt.Sprintf("%.3g", r.median(newsfeed)/median(s.Rounds))
			}
			asked, verdict := r.cells(s.Name)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", what, s.Name, s.spread(), ratio, asked, verdict)
		}
		notes := slices.Clone(r.Notes)
		if r.Profile != "" {
			notes = append(notes, "profile `"+r.Profile+"`")
		}
		for _, n := range notes {
			fmt.Fprintf(&b, "| | _%s_ | | | | |\n", strings.ReplaceAll(n, "|", "\\|"))
		}
	}
	return b.String()
}

// cells returns what is asked of the ratio to a contestant, and whether it holds.
func (r row) cells(name string) (asked, verdict string) {
	for _, b := range r.Bounds {
		counts := name == newsfeed
		if len(b.Against) > 0 {
			best, _ := r.best(b.Against)
			counts = best == name
		}
		if !counts {
			continue
		}
		asked, verdict = r.says(b), "✓"
		if !r.holds(b) {
			verdict = "🔴 not met"
		}
	}
	return asked, verdict
}
