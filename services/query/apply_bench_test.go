package query

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// fillComments appends n comment events on some posts to the stream.
func fillComments(b *testing.B, client *redis.Client, n, posts int) {
	b.Helper()
	for done := 0; done < n; {
		p := client.Pipeline()
		for range min(1000, n-done) {
			e, err := event.New(event.Comments, event.TypeCommentCreated, event.Comment{
				PostID: fmt.Sprintf("post-%d", done%posts), ID: fmt.Sprintf("comment-%d", done),
				Content: new("a comment of a usual length, which says something about its post and then some more"),
				Author:  new("somebody"), AuthorKey: new("0123456789abcdef"), Status: new(event.Pending),
				CreatedAt: new(time.Now()), Version: new(int64(1)),
			}, time.Now())
			if err != nil {
				b.Fatal(err)
			}
			p.XAdd(b.Context(), &redis.XAddArgs{Stream: event.Stream(event.Comments), Values: e.Fields()})
			done++
		}
		if _, err := p.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// Comment events on 5,000 posts: read and acknowledged in the plainest way; folded
// into the view by the consumer, with the services' options; read by XRANGE and
// decoded; and folded by a rebuild. ns/op are per event.
func BenchmarkApply(b *testing.B) {
	const n, posts = 100_000, 5_000
	group := 0
	s, client := benchStore(b)
	fillComments(b, client, n, posts)
	stream := event.Stream(event.Comments)
	for what, apply := range map[string]func(ctx context.Context) error{
		"bare": func(ctx context.Context) error {
			group++
			name := "bare" + number(group)
			if err := client.XGroupCreate(ctx, stream, name, "0").Err(); err != nil {
				return err
			}
			for got := 0; got < n; {
				streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{Group: name, Consumer: "bare", Streams: []string{stream, ">"}, Count: 500}).Result()
				if err != nil {
					return err
				}
				ids := make([]string, 0, 500)
				for _, m := range streams[0].Messages {
					ids = append(ids, m.ID)
				}
				if err := client.XAck(ctx, stream, name, ids...).Err(); err != nil {
					return err
				}
				got += len(ids)
			}
			return nil
		},
		"fold": func(ctx context.Context) error {
			keys, err := client.Keys(ctx, "{query}*").Result()
			if err != nil {
				return err
			}
			if len(keys) > 0 {
				if err := client.Unlink(ctx, keys...).Err(); err != nil {
					return err
				}
			}
			s.known.Store(nil)
			group++
			name := "fold" + number(group)
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			done := make(chan error, 1)
			go func() {
				done <- s.bus.Consume(ctx, bus.Subscription{Group: name, Consumer: "one", Streams: []string{stream}}, s.handle)
			}()
			for {
				groups, err := client.XInfoGroups(ctx, stream).Result()
				if err != nil {
					return err
				}
				for _, g := range groups {
					if g.Name == name && g.EntriesRead == n && g.Pending == 0 {
						cancel()
						return <-done
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
		},
		"xrange": func(ctx context.Context) error {
			for after := (bus.ID{}); ; {
				entries, err := s.bus.Range(ctx, stream, after, readBatch)
				if err != nil || len(entries) == 0 {
					return err
				}
				after = entries[len(entries)-1].ID
				decode(entries)
			}
		},
		"rebuild": func(ctx context.Context) error {
			_, err := s.rebuild(ctx, usualLease, func(Step) {})
			return err
		},
		"fill": func(ctx context.Context) error {
			r, err := s.register(ctx)
			if err != nil {
				return err
			}
			upTo, err := s.ends(ctx)
			if err != nil {
				return err
			}
			err = s.fill(ctx, view{number: r.Next.Number, epoch: r.Epoch}, upTo, func(int) {})
			s.abandon(ctx, r.Next.Number)
			return err
		},
	} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			events := 0
			costs(b, client, func() int { return events }, func() {
				for b.Loop() {
					if err := apply(b.Context()); err != nil {
						b.Fatal(err)
					}
					events += n
				}
			})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
}
