package bus

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// Bounds of one read of one stream.
	mergeEntries = 500
	mergeBytes   = 1 << 20
	// maxAhead is how many milliseconds an entry may be ahead of the clock to be
	// waited for.
	maxAhead = 1000
	// maxLead bounds the entries of the leading stream that are held at once:
	// more of one millisecond come only from somebody who makes ids by hand.
	maxLead = 10_000
)

// MergeReader is a place in a [Merge]. It is for one goroutine.
type MergeReader struct {
	m       *Merge
	sources []*source // the first leads
	at      map[string]ID
	signal  <-chan struct{} // of before the last look at the streams
	held    bool            // the last Next had an entry that was not yet sure
}

// source is one stream, as far as it has been read ahead.
type source struct {
	stream string
	buf    []Entry
	read   ID // the last entry that was read
	// knownTo is the first millisecond in which there may be entries that have
	// not been read.
	knownTo uint64
	fresh   bool // read to its end by this call of Next
}

// From returns a reader of all that comes after the given ids.
func (m *Merge) From(after map[string]ID) *MergeReader {
	r := &MergeReader{m: m, at: map[string]ID{}, signal: m.signal()}
	for _, stream := range m.streams {
		r.sources = append(r.sources, &source{stream: stream, read: after[stream]})
		if id := after[stream]; !id.IsZero() {
			r.at[stream] = id
		}
	}
	return r
}

// At returns, per stream, the id of the last entry that Next gave out: where
// another reader has to begin to go on from here.
func (r *MergeReader) At() map[string]ID { return maps.Clone(r.at) }

// Next returns the next entry, or false if there is none yet of which it is sure
// that it comes next; see Wait. After an error it can be called again, and
// misses nothing. Entries that do not parse come with what could be read of them.
func (r *MergeReader) Next(ctx context.Context) (Entry, bool, error) {
	r.signal, r.held = r.m.signal(), false
	for _, s := range r.sources {
		s.fresh = false
	}
	for {
		s := r.least()
		read, err := r.cover(ctx, s)
		switch {
		case err != nil:
			return Entry{}, false, err
		case read:
			continue // and look again
		case s == nil || !r.sure(s.buf[0]):
			r.held = s != nil
			return Entry{}, false, nil
		}
		return r.take(s), true, nil
	}
}

// Wait returns when it makes sense to ask Next again: when something has been
// appended, or after a moment if there is an entry whose millisecond is not yet
// over; in any case after most and when ctx ends.
func (r *MergeReader) Wait(ctx context.Context, most time.Duration) {
	if r.held {
		sleep(ctx, min(most, time.Millisecond))
		return
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-r.signal:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// least returns the source whose head comes first, nil if all are empty.
func (r *MergeReader) least() *source {
	var first *source
	for _, s := range r.sources {
		if len(s.buf) > 0 && (first == nil || before(s.buf[0], first.buf[0])) {
			first = s
		}
	}
	return first
}

// before compares the milliseconds of the ids, and then the times that the
// writers noted. The rest of an id counts within its stream only.
func before(a, b Entry) bool {
	if a.ID.Ms != b.ID.Ms {
		return a.ID.Ms < b.ID.Ms
	}
	return a.Event.Time.Before(b.Event.Time)
}

// cover reads every stream that could still have something before the head of
// first, and reports whether it has read any.
func (r *MergeReader) cover(ctx context.Context, first *source) (read bool, err error) {
	for _, s := range r.sources {
		if s.fresh || first != nil && r.covers(s, first.buf[0]) {
			continue
		}
		if err := r.fill(ctx, s); err != nil {
			return false, err
		}
		read = true
	}
	return read, nil
}

// covers reports whether all of s that comes before e has been read.
func (r *MergeReader) covers(s *source, e Entry) bool {
	switch {
	case s.knownTo > e.ID.Ms:
		return true
	case len(s.buf) == 0:
		return s.fresh && e.ID.Ms-s.knownTo > maxAhead
	default:
		return s != r.sources[0] || len(s.buf) >= maxLead ||
			s.fresh && e.ID.Ms-s.knownTo > maxAhead
	}
}

func (r *MergeReader) sure(e Entry) bool {
	for _, s := range r.sources {
		if !r.covers(s, e) {
			return false
		}
	}
	return true
}

// take gives out the head of s, or that of the leading stream if that has
// something on the same subject in this millisecond.
func (r *MergeReader) take(s *source) Entry {
	first := s.buf[0]
	for _, e := range r.sources[0].buf {
		if s == r.sources[0] || e.ID.Ms > first.ID.Ms {
			break
		}
		if e.Event.Subject == first.Event.Subject && first.Event.Subject != "" {
			s = r.sources[0]
		}
	}
	e := s.buf[0]
	s.buf[0] = Entry{} // its data can be large
	s.buf = s.buf[1:]
	r.at[s.stream] = e.ID
	return e
}

// begin looks at every stream and returns the latest clock.
func (r *MergeReader) begin(ctx context.Context) (now uint64, err error) {
	for _, s := range r.sources {
		clock, err := r.fillClock(ctx, s)
		if err != nil {
			return 0, err
		}
		now = max(now, clock)
	}
	return now, nil
}

// holds reports whether there is an entry up to end that was not yet sure.
func (r *MergeReader) holds(end uint64) bool {
	s := r.least()
	return s != nil && !later(s.buf[0].ID.Ms, end)
}

func (r *MergeReader) fill(ctx context.Context, s *source) error {
	_, err := r.fillClock(ctx, s)
	return err
}

// fillClock reads on in one stream and returns what its server's clock said.
func (r *MergeReader) fillClock(ctx context.Context, s *source) (clock uint64, err error) {
	b := r.m.b
	reply, err := b.Run(ctx, b.scripts.read, []string{s.stream}, s.read.String(), mergeEntries, mergeBytes).Slice()
	if err != nil {
		return 0, Err("read "+s.stream, err)
	}
	ms, whole, messages, err := parseRead(reply)
	if err != nil {
		return 0, err
	}
	entries := entriesOf(s.stream, messages)
	s.buf = append(s.buf, entries...)
	if len(entries) > 0 {
		s.read = entries[len(entries)-1].ID
	}
	s.fresh, s.knownTo = whole, s.read.Ms
	if whole {
		s.knownTo = ms
	}
	return ms, nil
}

// parseRead reads what read.lua returns.
func parseRead(reply []any) (ms uint64, whole bool, messages []redis.XMessage, err error) {
	bad := fmt.Errorf("read: unexpected answer %.200v", reply)
	if len(reply) != 3 {
		return 0, false, nil, bad
	}
	clock, ok1 := reply[0].(int64)
	all, ok2 := reply[1].(int64)
	entries, ok3 := reply[2].([]any)
	if !ok1 || !ok2 || !ok3 || clock < 0 {
		return 0, false, nil, bad
	}
	messages = make([]redis.XMessage, 0, len(entries))
	for _, e := range entries {
		parts, ok := e.([]any)
		if !ok || len(parts) != 2 {
			return 0, false, nil, bad
		}
		id, _ := parts[0].(string)
		messages = append(messages, redis.XMessage{ID: id, Values: valuesOf(parts[1])})
	}
	return uint64(clock), all == 1, messages, nil
}

// valuesOf makes a map of a flat list of names and values.
func valuesOf(list any) map[string]any {
	flat, _ := list.([]any)
	values := make(map[string]any, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		name, _ := flat[i].(string)
		values[name] = flat[i+1]
	}
	return values
}
