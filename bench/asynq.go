package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/event"
)

const asynqTask = "event"

// asynqConsume enqueues the events, which does not count, and processes and
// decodes all of them. The time ends when none is left in the queue.
func asynqConsume(ctx context.Context, db database, events []event.Event, concurrency int) (perSecond float64, err error) {
	connect := asynq.RedisClientOpt{Addr: db.addr, PoolSize: 160}
	if err := enqueue(ctx, connect, events); err != nil {
		return 0, err
	}
	inspector := asynq.NewInspector(connect)
	defer func() { _ = inspector.Close() }()
	t := newTally(events)
	server := asynq.NewServer(connect, asynq.Config{Concurrency: concurrency, LogLevel: asynq.FatalLevel})
	start := time.Now()
	if err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		var e event.Event
		if err := json.Unmarshal(task.Payload(), &e); err != nil {
			return err
		}
		t.add(e.ID)
		return nil
	})); err != nil {
		return 0, err
	}
	err = t.wait(ctx)
	for err == nil {
		info, failed := inspector.GetQueueInfo("default")
		if err = failed; err == nil && info.Size == 0 {
			break
		}
	}
	took := time.Since(start)
	server.Shutdown()
	return float64(len(events)) / took.Seconds(), err
}

func enqueue(ctx context.Context, connect asynq.RedisClientOpt, events []event.Event) error {
	client := asynq.NewClient(connect)
	defer func() { _ = client.Close() }()
	g, ctx := errgroup.WithContext(ctx)
	for i := range writers {
		g.Go(func() error {
			for n := i; n < len(events); n += writers {
				payload, err := json.Marshal(events[n])
				if err != nil {
					return err
				}
				if _, err := client.EnqueueContext(ctx, asynq.NewTask(asynqTask, payload)); err != nil {
					return fmt.Errorf("enqueue: %w", err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}
