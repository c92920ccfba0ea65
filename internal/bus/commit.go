package bus

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // a fingerprint that Redis can make too, no secret
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"newsfeed/internal/event"
)

// Doc is a document as it was read. The zero Doc says that there is none.
type Doc struct {
	// JSON is the document itself.
	JSON []byte
	// Event names the event of the last change, where it had one, or the place of
	// the entry that it adopted; Entry is the latest entry that has changed it.
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
	// Adopted is an entry that stands in a stream already and that this change
	// takes in; nothing is appended. Not together with Stream. The document is then
	// as of the latest of this entry and the one of Want, and a repetition is
	// recognised by the entry's place.
	Adopted Entry

	// Once, if set, keeps the change from being made a second time.
	Once *Once
	// Note, if set, is appended to a stream of notices in the same write.
	Note *Note

	Index []Index
	Guard []Guard

	// Priority says whether the change is made when Redis is nearly full or full.
	Priority Priority
}

// Once is a mark that a change leaves behind: a later change with the same Key
// writes nothing and learns the Value of the first.
type Once struct {
	Key, Value string
	// TTL is how long the mark stays; more than 0.
	TTL time.Duration
}

// Note is an entry that is no event of the vocabulary: a notice for readers that
// keep up, on a stream of about MaxLen entries.
type Note struct {
	Stream string
	MaxLen int64
	Fields []string // names and values
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

// SeenError carries what the change that came first left at the key of a [Once].
type SeenError struct{ Key, Value string }

// Error implements error.
func (e *SeenError) Error() string { return e.Key + ": a change has been made under this key" }

// Commit makes the change whole or not at all and returns the id of its entry
// (zero without an event). Calls at the same time share round trips to Redis,
// each with its own result; a call that is alone is sent at once.
//
// If the same event has made this change already, because a reply was lost on
// its way, nothing is written and the first entry's id is returned, as long as it
// is the document's last change; after another one it is a conflict. Errors:
// [ConflictError], [SeenError], [ErrGuard], [UnavailableError].
func (b *Bus) Commit(ctx context.Context, c Change) (ID, error) {
	if err := c.validate(); err != nil {
		return ID{}, err
	}
	begin := time.Now()
	id, err := b.write(ctx, c)
	if err == nil && c.Stream != "" {
		b.opt.Observe(Outcome{
			What: Published, Stream: c.Stream, Entry: Entry{Stream: c.Stream, ID: id, Event: c.Event}, Took: time.Since(begin),
		})
	}
	return id, err
}

func (b *Bus) write(ctx context.Context, c Change) (ID, error) {
	if b.opt.Tracer != nil && c.Stream != "" {
		return b.publishTraced(ctx, c)
	}
	return b.groups.do(ctx, c)
}

// Publish appends e to stream and returns the entry's id. An event whose id
// has been published there in the last 24 hours is not appended again; the
// first entry's id is returned.
func (b *Bus) Publish(ctx context.Context, stream string, e event.Event) (ID, error) {
	return b.PublishAs(ctx, Essential, stream, e)
}

// PublishAs is [Bus.Publish] with a priority.
func (b *Bus) PublishAs(ctx context.Context, p Priority, stream string, e event.Event) (ID, error) {
	id, err := b.Commit(ctx, Change{
		Key: tagOf(stream) + ":published:" + e.ID, Doc: []byte("{}"), TTL: repeatWindow,
		Stream: stream, Event: e, Priority: p,
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
	case c.adopts() != (c.Adopted.Stream != ""):
		return fmt.Errorf("commit %s: an entry that is adopted needs its place", c.Key)
	case c.Stream != "" && c.adopts():
		return fmt.Errorf("commit %s: a change has an event of its own or adopts one, not both", c.Key)
	case c.TTL != 0 && c.Field != "":
		return fmt.Errorf("commit %s: a field of a hash has no TTL", c.Key)
	case c.TTL != 0 && c.TTL < time.Millisecond:
		return fmt.Errorf("commit %s: a TTL of less than a millisecond", c.Key)
	case c.Once != nil && c.Once.TTL < time.Millisecond:
		return fmt.Errorf("commit %s: a once needs a TTL", c.Key)
	case c.Note != nil && (len(c.Note.Fields) == 0 || len(c.Note.Fields)%2 != 0):
		return fmt.Errorf("commit %s: a note needs names and values", c.Key)
	case c.Note != nil && c.Note.MaxLen < 0:
		return fmt.Errorf("commit %s: a note's stream of less than no entries", c.Key)
	case max(len(c.Index), len(c.Guard), len(c.noteArgs())) > maxCount:
		return fmt.Errorf("commit %s: more than %d indexes, guards or arguments of the note", c.Key, maxCount)
	}
	return nil
}

func (c Change) adopts() bool { return !c.Adopted.ID.IsZero() }

// head returns the entry that the document is as of once it has adopted one.
func (c Change) head() ID {
	if c.Want.Entry.After(c.Adopted.ID) {
		return c.Want.Entry
	}
	return c.Adopted.ID
}

// result reads what commit.lua says of one change.
func (c Change) result(verdict, value any) (ID, error) {
	text, _ := value.(string)
	switch verdict {
	case "OK", "AGAIN":
		if text == "" {
			return ID{}, nil
		}
		return ParseID(text)
	case "SEEN":
		return ID{}, &SeenError{Key: c.Once.Key, Value: text}
	case "CONFLICT":
		return ID{}, &ConflictError{Key: c.Key, Now: ParseDoc(text)}
	case "GUARD":
		return ID{}, fmt.Errorf("commit %s: %w", c.Key, ErrGuard)
	default:
		return ID{}, fmt.Errorf("commit %s: %s", c.Key, text)
	}
}
