package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const (
	benchStream = "{posts}:events"
	subjects    = 5000
)

var crcTable = crc64.MakeTable(crc64.ECMA)

// fill appends n comment events on 5,000 posts and returns the sum over their
// ids that every reader must arrive at.
func fill(ctx context.Context, client *redis.Client, n int) (uint64, error) {
	var sum uint64
	for done := 0; done < n; {
		p := client.Pipeline()
		for range min(1000, n-done) {
			e, err := event.New(event.Comments, event.TypeCommentCreated, event.Comment{
				PostID: fmt.Sprintf("post-%d", done%subjects), ID: fmt.Sprintf("comment-%d", done),
				Content: new("a comment of a usual length, which says something about its post and then some more"),
				Author:  new("somebody"), AuthorKey: new("0123456789abcdef"), Status: new(event.Pending),
				CreatedAt: new(time.Now()), Version: new(int64(1)),
			}, time.Now())
			if err != nil {
				return 0, err
			}
			sum += crc64.Checksum([]byte(e.ID), crcTable)
			p.XAdd(ctx, &redis.XAddArgs{Stream: benchStream, Values: e.Fields()})
			done++
		}
		if _, err := p.Exec(ctx); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// bareConsume reads and acknowledges everything in the plainest way there is,
// and returns entries per second.
func bareConsume(ctx context.Context, client *redis.Client, group string, n int) (float64, error) {
	if err := client.XGroupCreate(ctx, benchStream, group, "0").Err(); err != nil {
		return 0, err
	}
	ids := make([]string, 0, 500)
	start := time.Now()
	for got := 0; got < n; {
		streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: group, Consumer: "bare", Streams: []string{benchStream, ">"}, Count: 500, Block: time.Second,
		}).Result()
		if err != nil {
			return 0, err
		}
		ids = ids[:0]
		for _, m := range streams[0].Messages {
			ids = append(ids, m.ID)
		}
		if err := client.XAck(ctx, benchStream, group, ids...).Err(); err != nil {
			return 0, err
		}
		got += len(ids)
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// busConsume does the same through the bus: every envelope is decoded, every
// entry acknowledged after its handler has returned, nothing is left pending and
// the sum over the ids is right.
func busConsume(ctx context.Context, client *redis.Client, group string, n int, want uint64) (float64, error) {
	b := bus.New(ctx, client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sum, handled atomic.Uint64
	all := make(chan struct{})
	finished := make(chan error, 1)
	start := time.Now()
	go func() {
		finished <- b.Consume(ctx, bus.Subscription{Group: group, Consumer: "bus", Streams: []string{benchStream}},
			func(_ context.Context, e bus.Entry) error {
				sum.Add(crc64.Checksum([]byte(e.Event.ID), crcTable))
				if handled.Add(1) == uint64(n) { //nolint:gosec // positive
					close(all)
				}
				return nil
			})
	}()
	select {
	case <-all:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for {
		pending, err := client.XPending(ctx, benchStream, group).Result()
		if err != nil {
			return 0, err
		}
		if pending.Count == 0 {
			break
		}
	}
	took := time.Since(start)
	cancel()
	if err := <-finished; err != nil {
		return 0, err
	}
	if sum.Load() != want || handled.Load() != uint64(n) { //nolint:gosec // positive
		return 0, errors.New("the bus handed out something else than was published")
	}
	return float64(n) / took.Seconds(), nil
}

// measureConsume compares the bus, with the services' options, with a bare loop.
func measureConsume(ctx context.Context) ([]row, error) {
	const n = 100_000
	addr, stop, err := startRedis(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	sum, err := fill(ctx, client, n)
	if err != nil {
		return nil, err
	}
	r := row{what: "consume and acknowledge", unit: "/s", least: 0.6}
	for i := range rounds {
		bare, err := bareConsume(ctx, client, fmt.Sprintf("bare%d", i), n)
		if err != nil {
			return nil, err
		}
		ours, err := busConsume(ctx, client, fmt.Sprintf("bus%d", i), n, sum)
		if err != nil {
			return nil, err
		}
		r.bare, r.ours = append(r.bare, bare), append(r.ours, ours)
	}
	return []row{r}, nil
}
