package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// newsfeed is the name of this project among the contestants.
const newsfeed = "newsfeed"

// row is one line of the table: a figure of this project beside those of others.
type row struct {
	Key  string `json:"key"`
	What string `json:"what"`
	Unit string `json:"unit"`
	// Less says that smaller figures are better.
	Less   bool     `json:"less,omitempty"`
	Series []series `json:"series"`
	Bounds []bound  `json:"bounds"`
	// Notes say what else was seen, such as what bounds the figure.
	Notes   []string `json:"notes,omitempty"`
	Profile string   `json:"profile,omitempty"` // a file under bench/results/profiles
}

// series holds the figures of one contestant, one for each round.
type series struct {
	Name   string    `json:"name"`
	Rounds []float64 `json:"rounds"`
}

// bound is what a row must reach.
type bound struct {
	// Against names contestants, of which the best counts: an alternative takes
	// part with its defaults and with its best settings. Without any the bound is
	// one on the figure itself.
	Against []string `json:"against,omitempty"`
	// Least is what newsfeed ÷ the other must reach, or, with Most, not exceed.
	Least float64 `json:"least,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

func least(ratio float64, against ...string) bound { return bound{Against: against, Least: ratio} }
func most(ratio float64, against ...string) bound  { return bound{Against: against, Most: ratio} }

func (r *row) add(contestant string, figure float64) {
	i := slices.IndexFunc(r.Series, func(s series) bool { return s.Name == contestant })
	if i < 0 {
		i = len(r.Series)
		r.Series = append(r.Series, series{Name: contestant})
	}
	r.Series[i].Rounds = append(r.Series[i].Rounds, figure)
}

func (r *row) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// median of a contestant's figures, NaN if it has none.
func (r row) median(contestant string) float64 {
	for _, s := range r.Series {
		if s.Name == contestant {
			return median(s.Rounds)
		}
	}
	return math.NaN()
}

// best is the figure that counts among those of some contestants.
func (r row) best(contestants []string) (name string, figure float64) {
	for _, c := range contestants {
		f := r.median(c)
		if name == "" || (f < figure) == r.Less {
			name, figure = c, f
		}
	}
	return name, figure
}

// ratio of this project's figure to the one that the bound is about; without
// such, the figure itself.
func (r row) ratio(b bound) float64 {
	ours := r.median(newsfeed)
	if len(b.Against) == 0 {
		return ours
	}
	_, other := r.best(b.Against)
	return ours / other
}

func (r row) holds(b bound) bool {
	if b.Most > 0 {
		return r.ratio(b) <= b.Most // false for NaN
	}
	return r.ratio(b) >= b.Least
}

// reach is how far the bound is exceeded: 1 is just met, 2 is twice as good.
func (r row) reach(b bound) float64 {
	if b.Most > 0 {
		return b.Most / r.ratio(b)
	}
	return r.ratio(b) / b.Least
}

func (r row) met() bool {
	return !slices.ContainsFunc(r.Bounds, func(b bound) bool { return !r.holds(b) })
}

// says is the bound in words: "at least 20 × watermill".
func (r row) says(b bound) string {
	word, limit := "at least", b.Least
	if b.Most > 0 {
		word, limit = "at most", b.Most
	}
	if len(b.Against) == 0 {
		return fmt.Sprintf("%s %.4g %s", word, limit, r.Unit)
	}
	name, _ := r.best(b.Against)
	return fmt.Sprintf("%s %.4g × %s", word, limit, name)
}

func median(figures []float64) float64 {
	s := slices.Sorted(slices.Values(figures))
	n := len(s)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 0:
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[n/2]
}

// percentile p of figures, which it sorts.
func percentile(figures []float64, p int) float64 {
	if len(figures) == 0 {
		return math.NaN()
	}
	slices.Sort(figures)
	return figures[min(len(figures)*p/100, len(figures)-1)]
}

// number writes a figure with three digits that count.
func number(f float64) string {
	if math.Abs(f) >= 1000 {
		digits := fmt.Sprintf("%.0f", f)
		var b strings.Builder
		for i, d := range digits {
			if i > 0 && (len(digits)-i)%3 == 0 {
				b.WriteByte(',')
			}
			b.WriteRune(d)
		}
		return b.String()
	}
	return fmt.Sprintf("%.3g", f)
}

// spread is the median with the smallest and largest figure.
func (s series) spread() string {
	return fmt.Sprintf("%s [%s–%s]", number(median(s.Rounds)), number(slices.Min(s.Rounds)), number(slices.Max(s.Rounds)))
}
