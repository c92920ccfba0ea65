package bustest

import (
	"testing"
	"time"
)

// Eventually polls until ok holds, and fails the test when that takes longer
// than within.
func Eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Settles polls until nothing is wrong any more, at first often and then ten times
// a second, and fails the test with what was wrong at last when that takes longer
// than within.
func Settles(t testing.TB, within time.Duration, what string, wrong func() string) {
	t.Helper()
	deadline := time.Now().Add(within)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := wrong()
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s; at last: %s", within, what, left)
		}
		time.Sleep(pause)
	}
}
