package bus

import (
	"context"
	"fmt"
	"strings"
)

// String returns the id as one word, <group>/<stream>/<entry id>, for people;
// [ParseDeadID] reads it.
func (d DeadID) String() string { return d.Group + "/" + d.field() }

// ParseDeadID reads what [DeadID.String] wrote. The name of a group may hold a
// slash, that of a stream does not.
func ParseDeadID(s string) (DeadID, error) {
	rest, entry, ok1 := cutLast(s, "/")
	group, stream, ok2 := cutLast(rest, "/")
	if !ok1 || !ok2 || group == "" || stream == "" || !strings.Contains(entry, "-") {
		return DeadID{}, fmt.Errorf("%q is not the id of a dead letter, such as query/{posts}:events/1699999999999-0", s)
	}
	id, err := ParseID(entry)
	return DeadID{Group: group, Stream: stream, Entry: id}, err
}

// cutLast slices s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// DeadCount returns how many dead letters the group has.
func (b *Bus) DeadCount(ctx context.Context, group string) (int64, error) {
	n, err := b.client.HLen(ctx, deadKey(group)).Result()
	return n, Err("count dead letters", err)
}

// FieldNames returns the names of the letter's fields in the order in which
// events are written, and then the rest by name.
func (l DeadLetter) FieldNames() []string { return fieldOrder(l.Fields) }
