package query

import (
	"testing"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// Whatever a client calls its last id, Redis can be asked for what comes after
// it, or is not asked.
func FuzzLastEventID(f *testing.F) {
	for _, seed := range []string{
		"", "0-0", "1-0", "1700000000000-1", "18446744073709551615-18446744073709551615", "18446744073709551615-0",
		"0-18446744073709551615", "18446744073709551616-0", "-", "+", "(1-0", "1", "01-0", "1-00", "1-0\n", "1-0 ", "$", ">", "*", "１-0",
	} {
		f.Add(seed)
	}
	client := bustest.Start(f, "--appendonly", "no").Client()
	b := bus.New(f.Context(), client, bus.Options{})
	f.Cleanup(b.Close)
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := parseLastID(text)
		if !ok {
			return
		}
		if id.String() != text {
			t.Errorf("%q is taken for %s", text, id)
		}
		if _, err := b.Range(t.Context(), changesStream, id, 1); err != nil {
			t.Error(err)
		}
		if _, err := b.Holds(t.Context(), changesStream, id); err != nil {
			t.Error(err)
		}
	})
}
