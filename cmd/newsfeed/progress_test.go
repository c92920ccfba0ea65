package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// progressed works through 10,000 of something in 40 steps of half a second.
func progressed(terminal bool, total int) string {
	var out strings.Builder
	now := noon
	p := &progress{out: &out, terminal: terminal, what: "sent back", now: func() time.Time { return now }, began: now, shown: now}
	for done := range 40 {
		now = now.Add(500 * time.Millisecond)
		p.at(250*(done+1), total)
	}
	p.end()
	return out.String()
}

func TestProgressElsewhere(t *testing.T) {
	want := "5,000 of 10,000 (50 %) sent back, 500/s, 11s left\n10,000 of 10,000 (100 %) sent back, 500/s\n"
	if diff := cmp.Diff(want, progressed(false, 10_000)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want, got := "5,000 sent back, 500/s\n10,000 sent back, 500/s\n", progressed(false, 0); got != want {
		t.Errorf("without a total: %q, want %q", got, want)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	got := progressed(true, 10_000)
	lines := strings.Split(got, "\r\x1b[K")
	if len(lines) != 42 || lines[0] != "" || lines[1] != "250 of 10,000 (2 %) sent back, 500/s, 20s left" || lines[41] != "" {
		t.Errorf("%d lines, of which the first is %q and the last %q", len(lines), lines[1], lines[len(lines)-1])
	}
	if strings.Contains(got, "\n") {
		t.Error("there are line breaks")
	}
}

func TestProgressOfShortWork(t *testing.T) {
	var out strings.Builder
	p := &progress{out: &out, terminal: true, what: "done", now: func() time.Time { return noon }, began: noon, shown: noon}
	p.at(1, 1)
	p.end()
	if out.Len() > 0 {
		t.Errorf("wrote %q, want nothing", out.String())
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 59_999 * time.Millisecond: "59s", time.Minute: "1m", 59*time.Minute + 59*time.Second: "59m",
		99 * time.Hour: "99h", 100 * time.Hour: "4d",
	} {
		if got := ago(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1: "-1", -100: "-100", -1000: "-1,000", 1_234_567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
