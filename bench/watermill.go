package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/event"
)

const watermillTopic = "watermill"

// fillWatermill writes events as watermill-redisstream's publisher does, but
// faster.
func fillWatermill(ctx context.Context, client *redis.Client, events []event.Event) error {
	p := client.Pipeline()
	for _, e := range events {
		payload, err := json.Marshal(e)
		if err != nil {
			return err
		}
		values, err := redisstream.DefaultMarshallerUnmarshaller{}.Marshal(watermillTopic, message.NewMessage(e.ID, payload))
		if err != nil {
			return err
		}
		p.XAdd(ctx, &redis.XAddArgs{Stream: watermillTopic, Values: values})
	}
	_, err := p.Exec(ctx)
	return err
}

// watermillConsume reads, decodes and acknowledges everything with so many
// subscribers of one group, which is how its documentation says to share the work.
// It reads one message at a time, and has no setting for more. The stream holds
// inStream events, of which the first ones count.
func watermillConsume(
	ctx context.Context, client *redis.Client, group string, events []event.Event, inStream, subscribers int,
) (perSecond float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := newTally(events)
	whole := len(events) == inStream
	start := time.Now()
	var g errgroup.Group
	for range subscribers {
		sub, err := redisstream.NewSubscriber(redisstream.SubscriberConfig{
			Client: client, ConsumerGroup: group, DisableIndefiniteInitialBlock: true, // so that it ends with ctx
		}, watermill.NopLogger{})
		if err != nil {
			return 0, err
		}
		messages, err := sub.Subscribe(ctx, watermillTopic)
		if err != nil {
			return 0, err
		}
		g.Go(func() error {
			for m := range messages {
				if t.count.Load() == t.n {
					return nil // what is left on the stream is not asked for
				}
				var e event.Event
				if err := json.Unmarshal(m.Payload, &e); err != nil {
					return err
				}
				t.add(e.ID)
				m.Ack()
			}
			return nil
		})
	}
	err = t.wait(ctx)
	for err == nil && whole && nothingPending(ctx, client, watermillTopic, group) != nil {
		err = ctx.Err()
	}
	took := time.Since(start)
	cancel()
	if err == nil {
		err = g.Wait()
	}
	return float64(len(events)) / took.Seconds(), err
}
