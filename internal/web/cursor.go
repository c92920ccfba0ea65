package web

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"newsfeed/internal/event"
)

// Cursor is a place in a list that is ordered by time and then by id. Unlike an
// offset it stays right when elements come and go.
type Cursor struct {
	At time.Time // any time of the years 1 to 9999; kept to the nanosecond, in UTC
	ID string
}

// maxCursor bounds what ParseCursor looks at: an id is at most 128 characters.
const maxCursor = 256

// IsZero reports whether c is the beginning of the list.
func (c Cursor) IsZero() bool { return c.ID == "" && c.At.IsZero() }

// String is the form of c for a query: base64url of "1.seconds.nanoseconds.id",
// where 1 is the version of this form.
func (c Cursor) String() string {
	text := fmt.Sprintf("1.%d.%d.%s", c.At.Unix(), c.At.Nanosecond(), c.ID)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// ParseCursor reads what String has written and nothing else. The error is an
// [Invalid] about the parameter "cursor".
func ParseCursor(s string) (Cursor, error) {
	refused := badParameter("cursor", "must be taken unchanged from a Link header")
	if len(s) > maxCursor {
		return Cursor{}, refused
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return Cursor{}, refused
	}
	parts := strings.SplitN(string(text), ".", 4) // an id can have dots of its own
	if len(parts) != 4 || !event.ValidID(parts[3]) {
		return Cursor{}, refused
	}
	seconds, secondsErr := strconv.ParseInt(parts[1], 10, 64)
	nanos, nanosErr := strconv.ParseInt(parts[2], 10, 64)
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	if secondsErr != nil || nanosErr != nil || seconds < first || seconds > last {
		return Cursor{}, refused
	}
	c := Cursor{At: time.Unix(seconds, nanos).UTC(), ID: parts[3]}
	// One cursor has one form: this also refuses version 2, "+1", "01", too many
	// nanoseconds, and the line breaks that base64 passes over.
	if c.String() != s {
		return Cursor{}, refused
	}
	return c, nil
}
