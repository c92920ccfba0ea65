package query

import (
	"context"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// The streams as they are read whole, to rebuild the view and to verify it.

// readBatch is how many entries are read at a time, of 256 KiB each at most: Redis cuts
// off a client whose answers take more memory than docker-redis/redis.conf allows.
const readBatch = 200

func sources() []string {
	return []string{event.Stream(event.Posts), event.Stream(event.Comments)}
}

// positions are places in the streams, by their names.
type positions map[string]bus.ID

// ends returns the last ids of the streams.
func (s *store) ends(ctx context.Context) (positions, error) {
	ends := positions{}
	for _, stream := range sources() {
		id, err := s.bus.Last(ctx, stream)
		if err != nil {
			return nil, err
		}
		ends[stream] = id
	}
	return ends, nil
}

// length returns about how many entries the streams have.
func (s *store) length(ctx context.Context) (int64, error) {
	n := int64(0)
	for _, stream := range sources() {
		l, err := s.bus.Redis().XLen(ctx, stream).Result()
		if err != nil {
			return 0, bus.Err("inspect "+stream, err)
		}
		n += l
	}
	return n, nil
}

// told is an event as the fold takes it.
type told struct {
	entry   bus.Entry
	payload event.Payload
}

// about returns the subject of an event, none if the view has nothing to do with
// it.
func (t told) about() subject {
	switch in := t.payload.(type) {
	case event.Post:
		return subject{post: in.ID}
	case event.PostDeleted:
		return subject{post: in.ID}
	case event.Comment:
		return subject{in.PostID, in.ID}
	case event.CommentDeleted:
		return subject{in.PostID, in.ID}
	}
	return subject{}
}

// decode reads entries as the consumer does: what is malformed, of an unknown type
// or has strayed to another's stream is in no view, and payload is nil.
func decode(entries []bus.Entry) []told {
	events := make([]told, len(entries))
	for i, e := range entries {
		events[i].entry = e
		if e.Event.Validate() != nil {
			continue
		}
		if payload, err := e.Decode(); err == nil {
			events[i].payload = payload
		}
	}
	return events
}

// history reads what stands in the streams after from and up to upTo, a batch at
// a time, one of them read ahead.
func (s *store) history(ctx context.Context, from, upTo positions, each func([]told) error) error {
	type batch struct {
		entries []bus.Entry
		err     error
	}
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan batch, 1)
	go func() {
		defer close(batches)
		for _, stream := range sources() {
			err := s.readOne(ctx, stream, from[stream], upTo[stream], func(entries []bus.Entry) {
				select {
				case batches <- batch{entries: entries}:
				case <-ctx.Done():
				}
			})
			if err != nil {
				select {
				case batches <- batch{err: err}:
				case <-ctx.Done():
				}
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range batches { // until the reader has ended
		}
	}()
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		if err := each(decode(b.entries)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// readOne reads one stream.
func (s *store) readOne(ctx context.Context, stream string, after, upTo bus.ID, each func([]bus.Entry)) error {
	for upTo.After(after) {
		var entries []bus.Entry
		err := insist(ctx, func() (err error) {
			entries, err = s.bus.Range(ctx, stream, after, readBatch)
			return err
		})
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return nil
		}
		after = entries[len(entries)-1].ID
		for len(entries) > 0 && entries[len(entries)-1].ID.After(upTo) {
			entries = entries[:len(entries)-1]
		}
		each(entries)
	}
	return nil
}

// insist calls ask until Redis has answered, for as long as it is worth waiting:
// a rebuild that is broken off begins anew.
func insist(ctx context.Context, ask func() error) error {
	const patience, pause = 30 * time.Second, 250 * time.Millisecond
	for deadline := time.Now().Add(patience); ; {
		err := ask()
		if !bus.Unavailable(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
