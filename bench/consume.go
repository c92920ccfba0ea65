package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const (
	benchStream = "{comments}:events"
	subjects    = 5000
)

// tally is the sum over the ids of events that every contestant must arrive at,
// whatever their order, so that none wins by doing less.
type tally struct {
	sum, count atomic.Uint64
	want       uint64
	n          uint64
	all        chan struct{} // closed when n have been counted
}

func newTally(events []event.Event) *tally {
	t := &tally{n: uint64(len(events)), all: make(chan struct{})}
	for _, e := range events {
		t.want += sumOf(e.ID)
	}
	return t
}

var crcTable = crc64.MakeTable(crc64.ECMA)

func sumOf(id string) uint64 { return crc64.Checksum([]byte(id), crcTable) }

func (t *tally) add(id string) {
	t.sum.Add(sumOf(id))
	if t.count.Add(1) == t.n {
		close(t.all)
	}
}

// wait returns when everything has been handled, with an error if that is
// something else than was published.
func (t *tally) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	select {
	case <-t.all:
	case <-ctx.Done():
		return fmt.Errorf("%d of %d events were handled: %w", t.count.Load(), t.n, ctx.Err())
	}
	if t.sum.Load() != t.want {
		return errors.New("something else was handled than was published")
	}
	return nil
}

// commentEvents makes n events of new comments on 5,000 posts.
func commentEvents(n int) ([]event.Event, error) {
	events := make([]event.Event, n)
	for i := range events {
		e, err := commentEvent("post-"+strconv.Itoa(i%subjects), "comment-"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		events[i] = e
	}
	return events, nil
}

func commentEvent(post, id string) (event.Event, error) {
	now := time.Now()
	return event.New(event.Comments, event.TypeCommentCreated, event.Comment{
		PostID: post, ID: id,
		Content: new("a comment of a usual length, which says something about its post and then some more"),
		Author:  new("somebody"), AuthorKey: new("0123456789abcdef"), Status: new(event.Pending),
		CreatedAt: &now, Version: new(int64(1)),
	}, now)
}

// appendAll writes events to a stream as they would stand there.
func appendAll(ctx context.Context, client *redis.Client, stream string, events []event.Event) error {
	for i := 0; i < len(events); i += 1000 {
		p := client.Pipeline()
		for _, e := range events[i:min(i+1000, len(events))] {
			p.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: e.Fields()})
		}
		if _, err := p.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// bareConsume reads, decodes and acknowledges everything in the plainest way
// there is, and returns entries per second.
func bareConsume(ctx context.Context, client *redis.Client, group string, events []event.Event) (float64, error) {
	if err := client.XGroupCreate(ctx, benchStream, group, "0").Err(); err != nil {
		return 0, err
	}
	t := newTally(events)
	ids := make([]string, 0, 500)
	start := time.Now()
	for got := 0; got < len(events); got += len(ids) {
		streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: group, Consumer: "bare", Streams: []string{benchStream, ">"}, Count: 500, Block: time.Second,
		}).Result()
		if err != nil {
			return 0, err
		}
		ids = ids[:0]
		for _, m := range streams[0].Messages {
			e, err := parse(m)
			if err != nil {
				return 0, err
			}
			t.add(e.ID)
			ids = append(ids, m.ID)
		}
		if err := client.XAck(ctx, benchStream, group, ids...).Err(); err != nil {
			return 0, err
		}
	}
	took := time.Since(start)
	if err := t.wait(ctx); err != nil {
		return 0, err
	}
	return float64(len(events)) / took.Seconds(), nothingPending(ctx, client, benchStream, group)
}

// parse decodes an entry as the bus does.
func parse(m redis.XMessage) (event.Event, error) { return event.Parse(benchStream, m.ID, m.Values) }

func nothingPending(ctx context.Context, client *redis.Client, stream, group string) error {
	p, err := client.XPending(ctx, stream, group).Result()
	if err == nil && p.Count > 0 {
		err = fmt.Errorf("%d entries were not acknowledged", p.Count)
	}
	return err
}

// busConsume does the same through the bus with the options that the services
// have: the time ends when every entry has been acknowledged.
func busConsume(ctx context.Context, client *redis.Client, group string, events []event.Event, handle func(event.Event)) (float64, error) {
	b := bus.New(ctx, client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := newTally(events)
	finished := make(chan error, 1)
	start := time.Now()
	go func() { // ends with ctx, and is waited for
		finished <- b.Consume(ctx, bus.Subscription{Group: group, Consumer: "bus", Streams: []string{benchStream}},
			func(_ context.Context, e bus.Entry) error {
				handle(e.Event)
				t.add(e.Event.ID)
				return nil
			})
	}()
	err := t.wait(ctx)
	for err == nil && nothingPending(ctx, client, benchStream, group) != nil {
		err = ctx.Err()
	}
	took := time.Since(start)
	cancel()
	if err := errors.Join(err, <-finished); err != nil {
		return 0, err
	}
	return float64(len(events)) / took.Seconds(), nil
}

// The others' names in the table.
const (
	bareLoop       = "bare XREADGROUP COUNT 500 and XACK"
	watermillPlain = "watermill-redisstream, defaults"
	watermillBest  = "watermill-redisstream, 64 subscribers of a group"
	asynqPlain     = "asynq, defaults"
	asynqBest      = "asynq, Concurrency 64"
)

// measureConsume compares the bus, with the services' options, with a bare loop
// and with the libraries that one would take instead.
func measureConsume(ctx context.Context, s *stage) ([]*row, error) {
	var rows []*row
	for _, fsync := range []string{always, everysec} {
		r, err := consumeUnder(ctx, s, fsync)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func consumeUnder(ctx context.Context, s *stage, fsync string) (*row, error) {
	const many, few = 100_000, 2_500 // few for those who take long
	db, err := s.redis(ctx, fsync)
	if err != nil {
		return nil, err
	}
	events, err := commentEvents(many)
	if err != nil {
		return nil, err
	}
	if err := appendAll(ctx, db.Client, benchStream, events); err != nil {
		return nil, err
	}
	if err := fillWatermill(ctx, db.Client, events[:4*few]); err != nil {
		return nil, err
	}
	r := &row{
		Key: "consume-" + fsync, What: "consume and acknowledge, " + fsync, Unit: "events/s",
		Bounds: []bound{least(0.85, bareLoop), least(20, watermillPlain, watermillBest), least(20, asynqPlain, asynqBest)},
	}
	r.note("newsfeed and the bare loop handle %s events a round; watermill %s, with 64 subscribers %s; asynq %s, with Concurrency 64 %s",
		number(many), number(few), number(4*few), number(few), number(2*few))
	group := func(name string, round int) string { return name + strconv.Itoa(round) }
	return r, s.rounds(ctx, []*row{r},
		contestant{newsfeed, one(func(ctx context.Context, round int) (float64, error) {
			return busConsume(ctx, db.Client, group("bus", round), events, func(event.Event) {})
		})},
		contestant{bareLoop, one(func(ctx context.Context, round int) (float64, error) {
			return bareConsume(ctx, db.Client, group("bare", round), events)
		})},
		contestant{watermillPlain, one(func(ctx context.Context, round int) (float64, error) {
			return watermillConsume(ctx, db.Client, group("plain", round), events[:few], 4*few, 1)
		})},
		contestant{watermillBest, one(func(ctx context.Context, round int) (float64, error) {
			return watermillConsume(ctx, db.Client, group("best", round), events[:4*few], 4*few, 64)
		})},
		contestant{asynqPlain, one(func(ctx context.Context, _ int) (float64, error) {
			return asynqConsume(ctx, db, events[:few], 0)
		})},
		contestant{asynqBest, one(func(ctx context.Context, _ int) (float64, error) {
			return asynqConsume(ctx, db, events[:2*few], 64)
		})},
	)
}
