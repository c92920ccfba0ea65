package bus

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

func benchEvent(b *testing.B, post string) event.Event {
	b.Helper()
	e, err := event.New(event.Comments, event.TypeCommentCreated, event.Comment{
		PostID: post, ID: "0199c0de-0000-7000-8000-000000000002",
		Content: new("a comment of a usual length, which says something about its post and then some more"),
		Author:  new("somebody"), Status: new(event.Pending), Version: new(int64(1)),
	}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// BenchmarkArguments is what the caller of Commit and the sender of a batch do for
// one change, but for sending it.
func BenchmarkArguments(b *testing.B) {
	b.ReportAllocs()
	e := benchEvent(b, "post")
	c := Change{
		Key: "{comments}:doc:" + e.ID, Doc: e.Data, Stream: "{comments}:events", Event: e,
		Index: []Index{{ZAdd, "{comments}:ids", TimeKey(e.Time, e.ID)}},
	}
	for b.Loop() {
		Arguments(c)
	}
}

// BenchmarkLanes is what becomes of a batch of 500 entries between the reader and
// the acker, on as many subjects, and on one.
func BenchmarkLanes(b *testing.B) {
	for _, subjects := range []int{500, 1} {
		b.Run(fmt.Sprintf("subjects=%d", subjects), func(b *testing.B) {
			b.ReportAllocs()
			messages := make([]redis.XMessage, 500)
			for i := range messages {
				fields := benchEvent(b, fmt.Sprintf("post-%d", i%subjects)).Fields()
				values := make(map[string]any, len(fields)/2)
				for j := 0; j < len(fields); j += 2 {
					values[fields[j]] = fields[j+1]
				}
				messages[i] = redis.XMessage{ID: ID{Ms: 1_767_323_045_000, Seq: uint64(i)}.String(), Values: values}
			}
			// Nothing is sent: the acknowledgements stay where they gather.
			client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
			defer client.Close()
			own := New(b.Context(), client, Options{Log: slog.New(slog.DiscardHandler)})
			defer own.Close()
			c := own.newConsumer(Subscription{Group: "bench", Consumer: "bench"}, "{comments}:events",
				func(context.Context, Entry) error { return nil })
			c.handlerCtx = b.Context()
			for b.Loop() {
				c.take(messages, nil)
				c.workers.Wait()
				if acks := c.takeAcks(); len(acks) != len(messages) {
					b.Fatalf("%d of %d entries were handled", len(acks), len(messages))
				} else {
					c.forget(acks)
				}
			}
		})
	}
}
