package bus

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Merge reads several streams as one, oldest first.
//
// Entries come in the order of their ids' milliseconds, which are of one clock;
// within a millisecond in the order of their events' times; and in any case each
// stream's entries in their own order. The first of the streams leads: within
// a millisecond, what another stream says of a subject comes after all that the
// first one says of it, so that no comment comes before its post, whatever the
// clocks of those who wrote them say.
//
// An entry is given out only when nothing can come before it any more, which
// takes until the millisecond in which it was appended is over. If the clock of
// Redis is set back, entries that lie more than a second ahead of it are not
// waited for, and the order across streams can be wrong until it has caught up.
type Merge struct {
	b       *Bus
	streams []string

	mu       sync.Mutex
	appended chan struct{} // closed, and replaced, when something has been appended
}

// Merge returns a Merge of the streams, which need not share a slot. The first
// one leads.
func (b *Bus) Merge(streams ...string) *Merge {
	return &Merge{b: b, streams: streams, appended: make(chan struct{})}
}

// Watch tells those in [MergeReader.Wait] when something has been appended,
// until ctx ends. It takes one connection per stream however many they are.
func (m *Merge) Watch(ctx context.Context) {
	var wg sync.WaitGroup
	for _, stream := range m.streams {
		wg.Go(func() { m.watch(ctx, stream) })
	}
	wg.Wait()
}

func (m *Merge) watch(ctx context.Context, stream string) {
	delay := newBackOff(200*time.Millisecond, 3*time.Second, 2)
	var known ID
	for ctx.Err() == nil {
		last, err := m.b.Last(ctx, stream)
		if err == nil && last != known {
			known = last
			m.wake()
		}
		if err == nil {
			_, err = m.b.xread(ctx, stream, known, 1)
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			sleep(ctx, delay.NextBackOff()) // the readers meet it, too, and say so
			continue
		}
		delay.Reset()
	}
}

func (m *Merge) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.appended)
	m.appended = make(chan struct{})
}

func (m *Merge) signal() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.appended
}

// Read yields all that comes after the given ids and was appended before the
// call. It breaks off at the first error.
func (m *Merge) Read(ctx context.Context, after map[string]ID) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r := m.From(after)
		end, err := r.begin(ctx)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for {
			e, ok, err := r.Next(ctx)
			switch {
			case err != nil:
				yield(Entry{}, err)
				return
			case ok && later(e.ID.Ms, end), !ok && !r.holds(end):
				return
			case ok:
				if !yield(e, nil) {
					return
				}
			default:
				r.Wait(ctx, time.Second)
			}
		}
	}
}

// later reports whether ms comes after end. What lies far ahead of the clock
// was not appended later but by another clock.
func later(ms, end uint64) bool { return ms > end && ms-end <= maxAhead }
