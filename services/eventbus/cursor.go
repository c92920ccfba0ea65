package eventbus

import (
	"encoding/base64"
	"maps"
	"strings"

	"newsfeed/internal/bus"
)

// cursor is a place in all streams at once: per stream the id of the last entry
// that lies before it. Without an id for a stream, all of that lies behind it.
type cursor map[string]bus.ID

const (
	cursorVersion = "1"
	// maxCursor bounds what parseCursor looks at: four ids of at most 41
	// characters, the version and commas, in base64.
	maxCursor = 256
)

// String is the form of c for queries and headers: base64url of the version and
// one id per stream, with commas between.
func (c cursor) String() string {
	parts := []string{cursorVersion}
	for _, stream := range streams() {
		text := ""
		if id := c[stream]; !id.IsZero() {
			text = id.String()
		}
		parts = append(parts, text)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, ",")))
}

// parseCursor reads what String has written and nothing else.
func parseCursor(s string) (cursor, bool) {
	if len(s) > maxCursor {
		return nil, false
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, false
	}
	parts := strings.Split(string(text), ",")
	if len(parts) != 1+len(streams()) || parts[0] != cursorVersion {
		return nil, false
	}
	c := cursor{}
	for i, stream := range streams() {
		if parts[i+1] == "" {
			continue
		}
		if c[stream], err = bus.ParseID(parts[i+1]); err != nil {
			return nil, false
		}
	}
	// One place has one form: this also refuses "01-0", "1", "0-0" and the line
	// breaks that base64 passes over.
	return c, c.String() == s
}

// passed returns c behind e too.
func (c cursor) passed(e bus.Entry) cursor {
	next := maps.Clone(c)
	if next == nil {
		next = cursor{}
	}
	next[e.Stream] = e.ID
	return next
}
