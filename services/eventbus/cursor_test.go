package eventbus

import (
	"encoding/base64"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newsfeed/internal/bus"
)

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{}
		for _, stream := range streams() {
			id := bus.ID{Ms: rapid.Uint64().Draw(t, "ms"), Seq: rapid.Uint64().Draw(t, "seq")}
			if rapid.Bool().Draw(t, "there") && !id.IsZero() {
				c[stream] = id
			}
		}
		got, ok := parseCursor(c.String())
		if diff := cmp.Diff(c, got); !ok || diff != "" {
			t.Errorf("%s (-want +got, %v):\n%s", c, ok, diff)
		}
	})
	largest := cursor{}
	for _, stream := range streams() {
		largest[stream] = bus.ID{Ms: math.MaxUint64, Seq: math.MaxUint64}
	}
	if n := len(largest.String()); n > maxCursor {
		t.Errorf("a cursor can have %d characters, and %d are read", n, maxCursor)
	}
}

func TestParseCursorRefuses(t *testing.T) {
	t.Parallel()
	b64 := base64.RawURLEncoding.EncodeToString
	for _, s := range []string{
		"", "x", "!", "1,,,,", b64([]byte("")), b64([]byte("1")), b64([]byte("1,,,")), b64([]byte("1,,,,,")),
		b64([]byte("2,,,,")), b64([]byte("1,0-0,,,")), b64([]byte("1,1,,,")), b64([]byte("1,01-0,,,")), b64([]byte("1,-1,,,")),
		b64([]byte("1,1-0-0,,,")), b64([]byte("1,18446744073709551616-0,,,")), b64([]byte("1,+1-0,,,")), b64([]byte("1,(1-0,,,")),
		b64([]byte("1,,,,")) + "=", b64([]byte("1,,,,")) + "\n", base64.StdEncoding.EncodeToString([]byte("1,,,,")),
		b64(make([]byte, 1<<10)),
	} {
		if c, ok := parseCursor(s); ok {
			t.Errorf("%q is taken for %v", s, c)
		}
	}
}

// FuzzCursor: what is taken is what String has written.
func FuzzCursor(f *testing.F) {
	f.Add(cursor{}.String())
	f.Add(cursor{"{posts}:events": {Ms: 1714996800123}, "{eventbus}:events": {Ms: 1, Seq: 2}}.String())
	f.Add(base64.RawURLEncoding.EncodeToString([]byte("1,1-0,0-0,,")))
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := parseCursor(s)
		if !ok {
			return
		}
		if c.String() != s {
			t.Errorf("%q was taken, and is written %q", s, c)
		}
		for stream, id := range c {
			if id.IsZero() {
				t.Errorf("%s has the zero id", stream)
			}
		}
	})
}
