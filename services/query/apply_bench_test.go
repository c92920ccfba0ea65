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
	const posts = 5_000
	s, client := benchStore(b)
	a := &applying{s: s, client: client, stream: event.Stream(event.Comments), n: 100_000}
	fillComments(b, client, a.n, posts)
	for what, apply := range map[string]func(ctx context.Context) error{
		"bare": a.bare, "fold": a.fold, "xrange": a.xrange, "rebuild": a.rebuild, "fill": a.fill,
	} {
		b.Run(what, func(b *testing.B) {
			b.ReportAllocs()
			events := 0
			costs(b, client, func() int { return events }, func() {
				for b.Loop() {
					if err := apply(b.Context()); err != nil {
						b.Fatal(err)
					}
					events += a.n
				}
			})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
}

// applying is a stream of n events and what reads it.
type applying struct {
	s      *store
	client *redis.Client
	stream string
	n      int
	group  int // the number of the last group
}

// bare reads and acknowledges everything in the plainest way.
func (a *applying) bare(ctx context.Context) error {
	a.group++
	name := "bare" + number(a.group)
	if err := a.client.XGroupCreate(ctx, a.stream, name, "0").Err(); err != nil {
		return err
	}
	for got := 0; got < a.n; {
		streams, err := a.client.XReadGroup(ctx, &redis.XReadGroupArgs{Group: name, Consumer: "bare", Streams: []string{a.stream, ">"}, Count: 500}).Result()
		if err != nil {
			return err
		}
		ids := make([]string, 0, 500)
		for _, m := range streams[0].Messages {
			ids = append(ids, m.ID)
		}
		if err := a.client.XAck(ctx, a.stream, name, ids...).Err(); err != nil {
			return err
		}
		got += len(ids)
	}
	return nil
}

// fold has a consumer with the services' options fold everything into a view that is made anew.
func (a *applying) fold(ctx context.Context) error {
	keys, err := a.client.Keys(ctx, "{query}*").Result()
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		if err := a.client.Unlink(ctx, keys...).Err(); err != nil {
			return err
		}
	}
	a.s.known.Store(nil)
	a.group++
	name := "fold" + number(a.group)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- a.s.bus.Consume(ctx, bus.Subscription{Group: name, Consumer: "one", Streams: []string{a.stream}}, a.s.handle)
	}()
	for {
		groups, err := a.client.XInfoGroups(ctx, a.stream).Result()
		if err != nil {
			return err
		}
		for _, g := range groups {
			if g.Name == name && g.EntriesRead == int64(a.n) && g.Pending == 0 {
				cancel()
				return <-done
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// xrange reads everything without a group, and decodes it.
func (a *applying) xrange(ctx context.Context) error {
	for after := (bus.ID{}); ; {
		entries, err := a.s.bus.Range(ctx, a.stream, after, readBatch)
		if err != nil || len(entries) == 0 {
			return err
		}
		after = entries[len(entries)-1].ID
		decode(entries)
	}
}

// rebuild makes a generation, and takes it into use.
func (a *applying) rebuild(ctx context.Context) error {
	_, err := a.s.rebuild(ctx, usualLease, func(Step) {})
	return err
}

// fill makes a generation and drops it.
func (a *applying) fill(ctx context.Context) error {
	r, err := a.s.register(ctx)
	if err != nil {
		return err
	}
	upTo, err := a.s.ends(ctx)
	if err != nil {
		return err
	}
	err = a.s.fill(ctx, view{number: r.Next.Number, epoch: r.Epoch}, upTo, func(int) {})
	a.s.abandon(ctx, r.Next.Number)
	return err
}
