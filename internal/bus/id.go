package bus

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ID is the id of a stream entry: the milliseconds of the Redis clock when it
// was appended and a number within that millisecond. The zero ID is before
// every entry. Ids of one stream grow in the order of appending; ids of
// different streams compare by time.
type ID struct {
	Ms  uint64
	Seq uint64
}

// MaxID is after every entry.
var MaxID = ID{Ms: 1<<64 - 1, Seq: 1<<64 - 1}

// ParseID reads "1699999999999-0"; the part after the dash may be absent.
func ParseID(s string) (ID, error) {
	ms, seq, dashed := strings.Cut(s, "-")
	var id ID
	var err error
	if id.Ms, err = strconv.ParseUint(ms, 10, 64); err != nil {
		return ID{}, fmt.Errorf("%q is not the id of a stream entry", s)
	}
	if dashed {
		if id.Seq, err = strconv.ParseUint(seq, 10, 64); err != nil {
			return ID{}, fmt.Errorf("%q is not the id of a stream entry", s)
		}
	}
	return id, nil
}

// String returns the id as Redis writes it.
func (id ID) String() string {
	b := make([]byte, 0, 24)
	b = strconv.AppendUint(b, id.Ms, 10)
	b = append(b, '-')
	b = strconv.AppendUint(b, id.Seq, 10)
	return string(b)
}

// Compare returns -1, 0 or 1 as id is before, at or after other.
func (id ID) Compare(other ID) int {
	if c := cmp.Compare(id.Ms, other.Ms); c != 0 {
		return c
	}
	return cmp.Compare(id.Seq, other.Seq)
}

// After reports whether id comes later than other.
func (id ID) After(other ID) bool { return id.Compare(other) > 0 }

// IsZero reports whether id is before every entry.
func (id ID) IsZero() bool { return id == ID{} }

// lastMilli is the last millisecond that RFC 3339 can write. Redis takes ids far
// beyond it from those who make them by hand.
const lastMilli = 253402300799999

// Time returns when Redis appended the entry, within the years that JSON can hold.
func (id ID) Time() time.Time { return time.UnixMilli(int64(min(id.Ms, lastMilli))).UTC() }

// MarshalText writes the id as Redis does, "" for the zero ID.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(text))
	*id = parsed
	return err
}
