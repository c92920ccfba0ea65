package bus

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Range returns up to n entries of stream that come after the given id, oldest
// first. Entries that do not parse come with what could be read of them.
func (b *Bus) Range(ctx context.Context, stream string, after ID, n int) ([]Entry, error) {
	messages, err := b.client.XRangeN(ctx, stream, "("+after.String(), "+", int64(n)).Result()
	if err != nil {
		return nil, Err("read "+stream, err)
	}
	return entriesOf(stream, messages), nil
}

// Latest returns up to n of the last entries of stream, newest first.
func (b *Bus) Latest(ctx context.Context, stream string, n int) ([]Entry, error) {
	messages, err := b.client.XRevRangeN(ctx, stream, "+", "-", int64(n)).Result()
	if err != nil {
		return nil, Err("read "+stream, err)
	}
	return entriesOf(stream, messages), nil
}

func entriesOf(stream string, messages []redis.XMessage) []Entry {
	entries := make([]Entry, 0, len(messages))
	for _, m := range messages {
		e, _ := parseEntry(stream, m) // a reader without a group has nowhere to put the malformed
		entries = append(entries, e)
	}
	return entries
}

// Follow yields the entries of several streams as they come, each stream in its
// order, starting after the given ids. It ends when ctx does or when the caller
// breaks off. An error is yielded when Redis is away, once per try; the loop may
// go on, and then misses nothing.
func (b *Bus) Follow(ctx context.Context, from map[string]ID) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		type item struct {
			e   Entry
			err error
		}
		items := make(chan item)
		for stream, after := range from {
			wg.Go(func() {
				b.followOne(ctx, stream, after, func(e Entry, err error) {
					select {
					case items <- item{e, err}:
					case <-ctx.Done():
					}
				})
			})
		}
		for {
			select {
			case <-ctx.Done():
				return
			case it := <-items:
				if !yield(it.e, it.err) {
					return
				}
			}
		}
	}
}

func (b *Bus) followOne(ctx context.Context, stream string, after ID, emit func(Entry, error)) {
	delay := newBackOff(200*time.Millisecond, 3*time.Second, 2)
	for ctx.Err() == nil {
		messages, err := b.xread(ctx, stream, after, int64(b.opt.Batch))
		switch {
		case errors.Is(err, redis.Nil):
		case err != nil:
			if ctx.Err() == nil {
				emit(Entry{Stream: stream}, Err("follow "+stream, err))
				sleep(ctx, delay.NextBackOff())
			}
		default:
			delay.Reset()
			for _, e := range entriesOf(stream, messages) {
				emit(e, nil)
				after = e.ID
			}
		}
	}
}

// xread returns up to n entries that come after the given id, or redis.Nil if none
// comes for a while.
func (b *Bus) xread(ctx context.Context, stream string, after ID, n int64) ([]redis.XMessage, error) {
	ctx, cancel := waiting(ctx, b.opt.Block)
	defer cancel()
	streams, err := b.client.XRead(ctx, &redis.XReadArgs{
		Streams: []string{stream, after.String()}, Count: n, Block: b.opt.Block,
	}).Result()
	if err != nil {
		return nil, err
	}
	return streams[0].Messages, nil
}
