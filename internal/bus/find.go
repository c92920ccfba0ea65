package bus

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

// Search says where to look for events, and how far.
type Search struct {
	Streams []string
	// Most bounds how many entries of one stream are looked at in one go;
	// default 100,000.
	Most int
	// Progress, if set, is told how many entries have been looked at, and how
	// many there are to look at most.
	Progress func(done, most int)
}

const (
	searchPage = 200 // entries of one read: each can be large
	searchMost = 100_000
)

func (s Search) most() int {
	if s.Most > 0 {
		return s.Most
	}
	return searchMost
}

// NotFoundError says that no entry was found, and how far was looked. It matches
// [ErrNotFound].
type NotFoundError struct {
	ID string
	// About are the latest events of what has that id instead, a post or a comment,
	// newest first by stream, and More says that there are others.
	About []Entry
	More  bool
	// Cut names the streams that have more entries than were looked at.
	Cut []string
}

// Error implements error.
func (e *NotFoundError) Error() string {
	if len(e.Cut) > 0 {
		return fmt.Sprintf("no event %s among the latest entries; older ones of %s were not looked at",
			e.ID, strings.Join(e.Cut, ", "))
	}
	return "no event " + e.ID
}

// Is makes errors.Is(err, ErrNotFound) true.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// around is how far from the time in its id an event may lie: little, in case of
// clocks that agree and a Redis that answers, and then more.
var around = []struct{ before, after time.Duration }{
	{time.Second, 10 * time.Second}, {10 * time.Minute, 10 * time.Minute},
}

// Find returns the entry of the event with that id. An id of the form
// {stream}/<entry id> names a place, as it does for events that were written
// without an id. A UUIDv7 says when it was made, and is looked for about that
// time first; anything else, among the latest entries of each stream. The error
// is a [NotFoundError] if there is none.
func (b *Bus) Find(ctx context.Context, id string, s Search) (Entry, error) {
	if stream, entry, ok := parsePlace(id); ok {
		return b.at(ctx, stream, entry)
	}
	is := func(m redis.XMessage) bool { return m.Values[event.FieldID] == id }
	if at, ok := madeAt(id); ok {
		for _, window := range around {
			for _, stream := range s.Streams {
				sc := scan{b: b, stream: stream, from: idAt(at.Add(-window.before)), to: idAt(at.Add(window.after)), most: s.most()}
				if e, found, err := sc.first(ctx, is); err != nil || found {
					return e, err
				}
			}
		}
	}
	missing := &NotFoundError{ID: id}
	isOrTold := func(stream string) func(redis.XMessage) bool {
		told := 0
		return func(m redis.XMessage) bool {
			if !is(m) && tells(m, id) {
				if told++; told > maxAbout {
					missing.More = true
				} else {
					missing.About = append(missing.About, entriesOf(stream, []redis.XMessage{m})...)
				}
			}
			return is(m)
		}
	}
	progress := s.progress()
	for _, stream := range s.Streams {
		sc := scan{b: b, stream: stream, to: MaxID, newest: true, most: s.most(), progress: progress}
		if e, found, err := sc.first(ctx, isOrTold(stream)); err != nil || found {
			return e, err
		}
		if sc.cut {
			missing.Cut = append(missing.Cut, stream)
		}
	}
	return Entry{}, missing
}

// maxAbout is how many events of each stream are kept that tell of an id.
const maxAbout = 20

// tells reports whether an entry tells of the post or comment of that id.
func tells(m redis.XMessage, id string) bool {
	if m.Values[event.FieldSubject] == id {
		return true
	}
	data, _ := m.Values[event.FieldData].(string)
	var what struct{ ID, PostID string }
	return strings.Contains(data, id) && json.Unmarshal([]byte(data), &what) == nil && (what.ID == id || what.PostID == id)
}

// progress returns a function to be told how many more entries have been looked at.
func (s Search) progress() func(n int) {
	done := 0
	return func(n int) {
		done += n
		if s.Progress != nil {
			s.Progress(done, s.most()*len(s.Streams))
		}
	}
}

// parsePlace reads {stream}/<entry id>.
func parsePlace(id string) (stream string, entry ID, ok bool) {
	slash := strings.LastIndexByte(id, '/')
	if slash <= 0 || !strings.Contains(id[slash:], "-") {
		return "", ID{}, false
	}
	entry, err := ParseID(id[slash+1:])
	return id[:slash], entry, err == nil
}

// at returns the entry at a place.
func (b *Bus) at(ctx context.Context, stream string, entry ID) (Entry, error) {
	messages, err := b.client.XRangeN(ctx, stream, entry.String(), entry.String(), 1).Result()
	if err != nil {
		return Entry{}, Err("read "+stream, err)
	}
	if len(messages) == 0 {
		return Entry{}, &NotFoundError{ID: stream + "/" + entry.String()}
	}
	return entriesOf(stream, messages)[0], nil
}

// madeAt returns the time in a UUIDv7; see RFC 9562.
func madeAt(id string) (time.Time, bool) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16)), true
}

// idAt is before every entry of that millisecond.
func idAt(t time.Time) ID { return ID{Ms: uint64(max(0, t.UnixMilli()))} }

// scan reads a part of a stream, page by page.
type scan struct {
	b        *Bus
	stream   string
	from, to ID
	newest   bool // first
	most     int
	progress func(n int)

	cut bool // there was more than most
}

// first returns the first entry that fits, and whether there is one.
func (s *scan) first(ctx context.Context, fits func(redis.XMessage) bool) (e Entry, found bool, err error) {
	err = s.each(ctx, func(m redis.XMessage) bool {
		if fits(m) {
			e, found = entriesOf(s.stream, []redis.XMessage{m})[0], true
		}
		return !found
	})
	return e, found, err
}

// each calls visit with every entry until it returns false.
func (s *scan) each(ctx context.Context, visit func(redis.XMessage) bool) error {
	start, stop, read := s.from.String(), s.to.String(), s.b.client.XRangeN
	if s.newest {
		start, stop, read = stop, start, s.b.client.XRevRangeN
	}
	for looked := 0; ; {
		page, err := read(ctx, s.stream, start, stop, searchPage).Result()
		if err != nil {
			return Err("read "+s.stream, err)
		}
		for _, m := range page {
			if looked == s.most {
				s.cut = true
				return nil
			}
			looked++
			if !visit(m) {
				return nil
			}
		}
		if s.progress != nil {
			s.progress(len(page))
		}
		if len(page) < searchPage {
			return nil
		}
		start = "(" + page[len(page)-1].ID
	}
}
