package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Who is measured takes turns with the others, and none is always the first.
func TestRoundsAreInterleaved(t *testing.T) {
	var turns []string
	turn := func(name string) contestant {
		return contestant{name, one(func(context.Context, int) (float64, error) {
			turns = append(turns, name)
			return float64(len(turns)), nil
		})}
	}
	s := &stage{opt: options{rounds: 3}}
	r := &row{}
	if err := s.rounds(t.Context(), []*row{r}, turn("a"), turn("b")); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(turns, ""); got != "abbaab" {
		t.Errorf("the turns were %s", got)
	}
	for i, want := range []string{"a", "b"} {
		if s := r.Series[i]; s.Name != want || len(s.Rounds) != 3 {
			t.Errorf("series %d is %+v", i, s)
		}
	}
}

// One who fails is no figure.
func TestAFailedTurnEndsTheRow(t *testing.T) {
	failed := errors.New("left something out")
	s := &stage{opt: options{rounds: 3}}
	err := s.rounds(t.Context(), []*row{{}}, contestant{"a", one(func(context.Context, int) (float64, error) { return 1, failed })})
	if !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
}

// A tally counts nothing as done that was not, and takes nothing else for it.
func TestTally(t *testing.T) {
	events, err := commentEvents(3)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{events[0].ID, events[1].ID, events[2].ID}
	for name, tt := range map[string]struct {
		handled []string
		ok      bool
	}{
		"all, in any order":    {[]string{ids[2], ids[0], ids[1]}, true},
		"one twice, one never": {[]string{ids[0], ids[0], ids[1]}, false},
		"one is missing":       {ids[:2], false},
	} {
		t.Run(name, func(t *testing.T) {
			counts := newTally(events)
			for _, id := range tt.handled {
				counts.add(id)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := counts.wait(ctx); (err == nil) != tt.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A stage ends what was started on it, and knows what it took.
func TestStageEndsProcesses(t *testing.T) {
	s := &stage{}
	p := &process{name: "sleep", cmd: exec.Command("sleep", "60")}
	if err := s.start(p); err != nil {
		t.Fatal(err)
	}
	if n, err := p.resident(); err != nil || n == 0 {
		t.Errorf("resident %d, %v", n, err)
	}
	if _, err := p.cpu(); err != nil {
		t.Error(err)
	}
	s.end()
	select {
	case <-p.exited:
	default:
		t.Error("the process still runs")
	}
}
