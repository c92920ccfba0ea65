package bus

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // a fingerprint that Redis can make too, no secret
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"newsfeed/internal/event"
)

// Doc is a document as it was read. The zero Doc says that there is none.
type Doc struct {
	// JSON is the document itself.
	JSON []byte
	// Event and Entry name the event of the last change, where it had one.
	Event string
	Entry ID

	fingerprint string // SHA-1 of the whole value, "" for none
}

// Exists reports whether there is a document.
func (d Doc) Exists() bool { return d.fingerprint != "" }

// ParseDoc takes the value of a document's key apart. Code that reads documents
// with commands of its own (MGET, a script) uses it; others call [Bus.Load].
func ParseDoc(value string) Doc {
	if value == "" {
		return Doc{}
	}
	sum := sha1.Sum([]byte(value)) //nolint:gosec // see above
	d := Doc{JSON: []byte(value), fingerprint: hex.EncodeToString(sum[:])}
	if value[0] != '@' {
		return d
	}
	head, body, _ := bytes.Cut(d.JSON[1:], []byte("\n"))
	d.JSON = body
	if space := bytes.LastIndexByte(head, ' '); space >= 0 {
		d.Event = string(head[:space])
		if id, err := ParseID(string(head[space+1:])); err == nil {
			d.Entry = id
		}
	}
	return d
}

// Change is one write: a document, its indexes and the event that says so. All
// its keys must lie in one slot, that is, share one {tag}.
type Change struct {
	// Key is the document's key; with Field set the document is that field of
	// the hash at Key.
	Key, Field string
	// Want is the document as it was read; the zero Doc asks that there is none.
	Want Doc
	// Doc is the document's new JSON, an object.
	Doc []byte
	// TTL lets the document go after that time; 0 keeps it. Not with Field.
	TTL time.Duration

	// Stream gets Event. Both are empty for a change that is nobody's news.
	Stream string
	Event  event.Event
	// Adopted names an entry that stands in the stream already and that this
	// change takes in; nothing is appended. Not together with Stream.
	Adopted Entry

	Index []Index
	Guard []Guard
}

// Verb is what an [Index] does.
type Verb string

// The verbs, named as Redis names them. Members of sorted sets all have score
// 0, so that their order is that of their bytes; see [TimeKey].
const (
	ZAdd Verb = "ZADD"
	ZRem Verb = "ZREM"
	SAdd Verb = "SADD"
	SRem Verb = "SREM"
)

// Index is a member to put into, or take out of, a set or sorted set.
type Index struct {
	Verb        Verb
	Key, Member string
}

// Guard is a condition: Member is in the set at Key, or, with Absent, is not.
type Guard struct {
	Key, Member string
	Absent      bool
}

// ConflictError carries what the document is now. It matches [ErrConflict].
type ConflictError struct {
	Key string
	Now Doc
}

// Error implements error.
func (e *ConflictError) Error() string { return fmt.Sprintf("%s: %v", e.Key, ErrConflict) }

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Commit makes the change whole or not at all and returns the id of its entry
// (zero without an event). Calls at the same time share round trips to Redis,
// each with its own result; a call that is alone is sent at once.
//
// If the same event has made this change already, because a reply was lost on
// its way, nothing is written and the first entry's id is returned. Errors:
// [ConflictError], [ErrGuard], [UnavailableError].
func (b *Bus) Commit(ctx context.Context, c Change) (ID, error) {
	if err := c.validate(); err != nil {
		return ID{}, err
	}
	return b.groups.do(ctx, c)
}

// Publish appends e to stream and returns the entry's id. An event whose id
// has been published there in the last 24 hours is not appended again; the
// first entry's id is returned.
func (b *Bus) Publish(ctx context.Context, stream string, e event.Event) (ID, error) {
	id, err := b.Commit(ctx, Change{
		Key: tagOf(stream) + ":published:" + e.ID, Doc: []byte("{}"), TTL: repeatWindow,
		Stream: stream, Event: e,
	})
	if conflict, ok := errors.AsType[*ConflictError](err); ok {
		return ID{}, fmt.Errorf("publish: event %s is already there as %s", e.ID, conflict.Now.Event)
	}
	return id, err
}

// repeatWindow is how long the ids of published events are remembered.
const repeatWindow = 24 * time.Hour

func (c Change) validate() error {
	switch {
	case c.Key == "":
		return errors.New("commit: no key")
	case len(c.Doc) == 0 || c.Doc[0] != '{':
		return fmt.Errorf("commit %s: the document is not a JSON object", c.Key)
	case (c.Stream == "") != (c.Event.ID == ""):
		return fmt.Errorf("commit %s: a stream needs an event with an id, and an event a stream", c.Key)
	case c.Stream != "" && c.Adopted.Event.ID != "":
		return fmt.Errorf("commit %s: a change has an event of its own or adopts one, not both", c.Key)
	case c.TTL != 0 && c.Field != "":
		return fmt.Errorf("commit %s: a field of a hash has no TTL", c.Key)
	}
	return nil
}

// Arguments returns what a call of commit.lua with this change alone takes, for
// measuring it plainly.
func (c Change) Arguments() (keys []string, args []any) {
	return c.appendTo(nil, []any{1})
}

// appendTo adds the change to the arguments of commit.lua.
func (c Change) appendTo(keys []string, args []any) ([]string, []any) {
	keys = append(keys, c.Key)
	eventID, entry := c.Event.ID, ""
	if c.Adopted.Event.ID != "" {
		eventID, entry = c.Adopted.Event.ID, c.Adopted.ID.String()
	}
	args = append(args, c.Field, c.Want.fingerprint, c.Doc, strconv.FormatInt(c.TTL.Milliseconds(), 10), eventID, entry)
	if c.Stream == "" {
		args = append(args, 0)
	} else {
		keys = append(keys, c.Stream)
		fields := c.Event.Fields()
		args = append(args, len(fields))
		for _, f := range fields {
			args = append(args, f)
		}
	}
	args = append(args, len(c.Index))
	for _, x := range c.Index {
		keys = append(keys, x.Key)
		args = append(args, string(x.Verb), x.Member)
	}
	args = append(args, len(c.Guard))
	for _, g := range c.Guard {
		keys = append(keys, g.Key)
		want := "in"
		if g.Absent {
			want = "out"
		}
		args = append(args, want, g.Member)
	}
	return keys, args
}

// size estimates the bytes that the change puts on the wire.
func (c Change) size() int { return 512 + len(c.Doc) + len(c.Event.Data) }

// result reads what commit.lua says of one change.
func (c Change) result(verdict, value any) (ID, error) {
	text, _ := value.(string)
	switch verdict {
	case "OK", "AGAIN":
		if text == "" {
			return ID{}, nil
		}
		return ParseID(text)
	case "CONFLICT":
		return ID{}, &ConflictError{Key: c.Key, Now: ParseDoc(text)}
	case "GUARD":
		return ID{}, fmt.Errorf("commit %s: %w", c.Key, ErrGuard)
	default:
		return ID{}, fmt.Errorf("commit %s: %s", c.Key, text)
	}
}
