package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const (
	writers         = 64
	commitsOfWriter = 300
)

// newPost returns the change that creates a post, as the posts service makes it.
func newPost(round string, writer, n int) (bus.Change, error) {
	id := fmt.Sprintf("%s-%d-%d", round, writer, n)
	now := time.Now()
	e, err := event.New(event.Posts, event.TypePostCreated, event.Post{
		ID: id, Title: new("a title of a usual length"), Body: new("a body that says something, and then some more of it"),
		Author: new("somebody"), CreatedAt: &now, Version: new(int64(1)),
	}, now)
	return bus.Change{
		Key: "{posts}:doc:" + id, Doc: e.Data, Stream: benchStream, Event: e,
		Index: []bus.Index{{Verb: bus.ZAdd, Key: "{posts}:ids", Member: bus.TimeKey(now, id)}},
	}, err
}

// prepare returns the changes of a round, those of each writer.
func prepare(round string) ([][]bus.Change, error) {
	changes := make([][]bus.Change, writers)
	for w := range writers {
		for n := range commitsOfWriter {
			c, err := newPost(round, w, n)
			if err != nil {
				return nil, err
			}
			changes[w] = append(changes[w], c)
		}
	}
	return changes, nil
}

// serial is the script without the bus: a single goroutine sends one change of each
// writer in one call, and the next call when that is answered. It is something to
// compare with and no bound: callers that work side by side can do better.
func serial(ctx context.Context, round string, client *redis.Client, script *redis.Script) (perSecond, p99 float64, err error) {
	changes, err := prepare(round)
	if err != nil {
		return 0, 0, err
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var took []float64
	start := time.Now()
	for n := range commitsOfWriter {
		together := make([]bus.Change, writers)
		for w := range writers {
			together[w] = changes[w][n]
		}
		begin := time.Now()
		keys, args := bus.Arguments(together...)
		if err := script.Run(ctx, client, keys, args...).Err(); err != nil {
			return 0, 0, err
		}
		took = append(took, float64(time.Since(begin).Microseconds())/1000)
	}
	elapsed := time.Since(start)
	slices.Sort(took)
	return float64(writers*commitsOfWriter) / elapsed.Seconds(), took[len(took)*99/100], nil
}

// commits lets 64 goroutines commit and returns commits per second and the 99th
// percentile of their latency in milliseconds.
func commits(ctx context.Context, round string, commit func(context.Context, bus.Change) error) (perSecond, p99 float64, err error) {
	took := make([][]float64, writers)
	changes, err := prepare(round)
	if err != nil {
		return 0, 0, err
	}
	// The prepared changes are the round's and not the contestant's: collecting
	// garbage around them is left for after the round.
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var g errgroup.Group
	start := time.Now()
	for w := range writers {
		g.Go(func() error {
			for _, c := range changes[w] {
				begin := time.Now()
				if err := commit(ctx, c); err != nil {
					return err
				}
				took[w] = append(took[w], float64(time.Since(begin).Microseconds())/1000)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, 0, err
	}
	elapsed := time.Since(start)
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	return float64(len(all)) / elapsed.Seconds(), all[len(all)*99/100], nil
}

// measureCommit compares Bus.Commit with plain calls of the same script.
func measureCommit(ctx context.Context) ([]row, error) {
	addr, stop, err := startRedis(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	b := bus.New(ctx, client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	src, err := os.ReadFile("internal/bus/lua/commit.lua")
	if err != nil {
		return nil, fmt.Errorf("run it in the root of the project: %w", err)
	}
	script := redis.NewScript(string(src))
	plain := func(ctx context.Context, c bus.Change) error {
		keys, args := bus.Arguments(c)
		return script.Run(ctx, client, keys, args...).Err()
	}
	ours := func(ctx context.Context, c bus.Change) error {
		_, err := b.Commit(ctx, c)
		return err
	}
	speed := row{what: "commit, 64 goroutines", unit: "/s", least: 2.5}
	tail := row{what: "commit, 64 goroutines, p99", unit: "ms", most: 0.25}
	serialSpeed := row{what: "  without the bus: 64 in a call, serially", unit: "/s"}
	serialTail := row{what: "  without the bus, p99", unit: "ms"}
	for i := range rounds {
		s, p, err := commits(ctx, fmt.Sprintf("plain%d", i), plain)
		if err != nil {
			return nil, err
		}
		speed.bare, tail.bare = append(speed.bare, s), append(tail.bare, p)
		if s, p, err = commits(ctx, fmt.Sprintf("ours%d", i), ours); err != nil {
			return nil, err
		}
		speed.ours, tail.ours = append(speed.ours, s), append(tail.ours, p)
		if s, p, err = serial(ctx, fmt.Sprintf("serial%d", i), client, script); err != nil {
			return nil, err
		}
		serialSpeed.ours, serialTail.ours = append(serialSpeed.ours, s), append(serialTail.ours, p)
	}
	serialSpeed.bare, serialTail.bare = speed.bare, tail.bare
	return []row{speed, serialSpeed, tail, serialTail}, nil
}
