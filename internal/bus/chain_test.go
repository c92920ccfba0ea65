package bus_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
)

// draw writes a chain as one line: causes, then the event with its effects.
func draw(c bus.Chain) string {
	var b strings.Builder
	for _, e := range c.Causes {
		b.WriteString(e.Event.ID + " > ")
	}
	var below func(l *bus.Link)
	below = func(l *bus.Link) {
		b.WriteString(l.Event.ID)
		if len(l.Effects) > 0 {
			b.WriteString("(")
			for i, e := range l.Effects {
				if i > 0 {
					b.WriteString(" ")
				}
				below(e)
			}
			b.WriteString(")")
		}
	}
	below(c.Event)
	return b.String()
}

func TestChain(t *testing.T) {
	t.Parallel()
	r := mini(t)
	after := func(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }
	r.put(stream, after(0), 0, "a", "a")
	r.put(stream, after(0), 1, "orphan", "gone", "gone")
	r.put(other, after(1), 0, "b", "a", "a")
	r.put(stream, after(2), 0, "c", "a", "b")
	r.put(stream, after(2), 1, "c", "a", "b") // published again
	r.put(other, after(3), 0, "d", "a", "b")
	r.put(other, after(4), 0, "e", "a", "c")
	r.put(other, after(5), 0, "foreign", "", "b") // says its cause and no more
	r.put(other, after(6), 0, "z", "z", "")       // of another chain
	r.put(stream, after(7), 0, "x", "x", "y")     // a circle
	r.put(stream, after(8), 0, "y", "x", "x")
	tests := []struct{ id, want, missing string }{
		{"a", "a(b(c(e) d))", ""},
		{"b", "a > b(c(e) d foreign)", ""},
		{"e", "a > b > c > e", ""},
		{"z", "z", ""},
		{"orphan", "orphan", "gone"},
		{"x", "y > x(y)", "x"},
	}
	s := bus.Search{Streams: []string{stream, other}}
	for _, tt := range tests {
		e, err := r.Find(t.Context(), tt.id, s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Chain(t.Context(), e, s)
		if err != nil || draw(got) != tt.want || got.Missing != tt.missing || got.Cut != nil {
			t.Errorf("chain of %s: %s, missing %q, cut %v, %v, want %s, missing %q", tt.id, draw(got), got.Missing, got.Cut, err, tt.want, tt.missing)
		}
	}
}

func TestChainIsBounded(t *testing.T) {
	t.Parallel()
	r := mini(t)
	r.put(stream, now, 0, "a", "a")
	for i := range 300 {
		r.put(other, now, i+1, fmt.Sprint("b", i), "a", "a")
	}
	e, err := r.Find(t.Context(), "a", bus.Search{Streams: []string{stream, other}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Chain(t.Context(), e, bus.Search{Streams: []string{stream, other}, Most: 250})
	if err != nil || len(got.Event.Effects) != 250 || !cmp.Equal(got.Cut, []string{other}) {
		t.Errorf("%d effects, cut %v, %v, want 250 and that %s was cut", len(got.Event.Effects), got.Cut, err, other)
	}
	if _, err := r.Chain(t.Context(), e, bus.Search{Streams: []string{stream, "wrong"}}); err != nil {
		t.Errorf("a stream that is not there: %v", err)
	}
	if err := r.client.Set(t.Context(), "wrong", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Chain(t.Context(), e, bus.Search{Streams: []string{"wrong"}}); err == nil || errors.Is(err, bus.ErrNotFound) {
		t.Errorf("what is no stream: %v, want an error", err)
	}
}
