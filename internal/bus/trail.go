package bus

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"
)

// Step is what [Bus.Trail] has come upon.
type Step struct {
	// Entries come right after those of the step before, nothing between them.
	Entries []Entry
	// Gap says that there may be entries that this reader will not see, between
	// the steps before and this one, which has none: so it is with the first
	// step, when the stream was trimmed faster than it was read, and when it was
	// lost or replaced by another of the same name.
	Gap bool
	// At is the id of the last entry so far, zero if there is none: what comes
	// next comes after it. A step that has nothing else says that Redis answers
	// again after an error, and that nothing was missed.
	At ID
}

// trailBatch bounds a step.
const trailBatch = 100

// Trail follows one stream from its end on and says so when it cannot vouch that
// it has seen everything. It ends when ctx does or when the caller breaks off. An
// error is yielded when Redis is away, once per try; the loop may go on.
//
// A trimmed stream loses its oldest entries first. So as long as the last entry
// that was read is still there, so is every later one; that is the whole proof.
func (b *Bus) Trail(ctx context.Context, stream string) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		delay := newBackOff(200*time.Millisecond, 3*time.Second, 2)
		t := trail{b: b, stream: stream, lost: true}
		failed := false
		for ctx.Err() == nil {
			step, err := t.next(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				failed = true
				if !yield(Step{}, err) {
					return
				}
				sleep(ctx, delay.NextBackOff())
				continue
			case step.Gap || len(step.Entries) > 0 || failed && !t.lost:
				failed = false
				if !yield(step, nil) {
					return
				}
			}
			delay.Reset()
		}
	}
}

type trail struct {
	b      *Bus
	stream string
	at     ID
	lost   bool // at is not known, or no longer in the stream
}

// next returns what comes after t.at, and nothing if nothing comes for a while.
func (t *trail) next(ctx context.Context) (Step, error) {
	if t.lost {
		at, err := t.b.Last(ctx, t.stream)
		if err != nil {
			return Step{}, err
		}
		t.at, t.lost = at, false
		return Step{Gap: true, At: at}, nil
	}
	var entries []Entry
	messages, err := t.b.xread(ctx, t.stream, t.at, trailBatch)
	switch {
	case err == nil:
		entries = entriesOf(t.stream, messages)
	case !errors.Is(err, redis.Nil):
		return Step{}, Err("follow "+t.stream, err)
	}
	// Asked after the reading: what is there now was there then.
	held, err := t.b.Holds(ctx, t.stream, t.at)
	switch {
	case err != nil:
		return Step{}, err
	case !held:
		t.lost = true
		return Step{}, nil
	case len(entries) > 0:
		t.at = entries[len(entries)-1].ID
	}
	return Step{Entries: entries, At: t.at}, nil
}

// Holds reports whether every entry that ever came after id is still in the
// stream: whether the entry itself is, or with the zero ID, whether nothing has
// been trimmed. Entries must not be deleted by XDEL.
func (b *Bus) Holds(ctx context.Context, stream string, id ID) (bool, error) {
	if !id.IsZero() {
		found, err := b.client.XRange(ctx, stream, id.String(), id.String()).Result()
		return len(found) == 1, Err("read "+stream, err)
	}
	info, err := b.client.XInfoStream(ctx, stream).Result()
	if noGroup(err) {
		return true, nil
	}
	if err != nil {
		return false, Err("inspect "+stream, err)
	}
	return info.EntriesAdded == info.Length, nil
}
