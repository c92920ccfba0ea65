package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// rounds is how often the contestants of a row take turns; medians are printed.
const rounds = 5

// row is one line of the table: a figure of this project beside the bare limit.
type row struct {
	what string
	// ours and bare are the figures of each round, of the same unit.
	ours, bare []float64
	unit       string
	// least is what ours/bare must reach, or, with most, must not exceed. Without
	// either the row is there to compare with.
	least, most float64
}

func (r row) ratio() float64 { return median(r.ours) / median(r.bare) }

func (r row) met() bool {
	if r.most > 0 {
		return r.ratio() <= r.most
	}
	return r.ratio() >= r.least
}

// print writes the row with the spread of its rounds.
func (r row) print(w io.Writer) {
	bound, verdict := fmt.Sprintf("at least %.2f", r.least), "met"
	if r.most > 0 {
		bound = fmt.Sprintf("at most %.2f", r.most)
	}
	if !r.met() {
		verdict = "NOT MET"
	}
	asked := fmt.Sprintf("(%s: %s)", bound, verdict)
	if r.least == 0 && r.most == 0 {
		asked = "(to compare)"
	}
	_, _ = fmt.Fprintf(w, "%-44s %28s %28s %-5s ratio %6.2f  %s\n", r.what, spread(r.ours), spread(r.bare), r.unit, r.ratio(), asked)
}

func median(figures []float64) float64 {
	s := slices.Sorted(slices.Values(figures))
	return s[len(s)/2]
}

func spread(figures []float64) string {
	return fmt.Sprintf("%.4g [%.4g–%.4g]", median(figures), slices.Min(figures), slices.Max(figures))
}

// run measures every row and prints the table; errNotMet if a ratio is missed.
func run(ctx context.Context, w io.Writer) error {
	_, _ = fmt.Fprintf(w, "medians of %d interleaved rounds [smallest–largest]; Redis of its own: %s\n\n",
		rounds, strings.Join(settings(), " "))
	_, _ = fmt.Fprintf(w, "%-44s %28s %28s\n", "", "newsfeed", "bare")
	met := true
	for _, measure := range []func(context.Context) ([]row, error){measureConsume, measureCommit, measureChain} {
		rows, err := measure(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			r.print(w)
			met = met && r.met()
		}
	}
	if !met {
		return errNotMet
	}
	return nil
}
