package query

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// benchStore is a store on a Redis of its own.
func benchStore(b *testing.B) (*store, *redis.Client) {
	b.Helper()
	server := bustest.Start(b, "--appendonly", "no")
	client := server.Client()
	bb := bus.New(b.Context(), client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	b.Cleanup(bb.Close)
	return newStore(bb), client
}

// redisCPU is how much time of processors Redis has taken.
func redisCPU(b *testing.B, client *redis.Client) time.Duration {
	b.Helper()
	text, err := client.Info(context.Background(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	var total time.Duration
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, _ := strconv.ParseFloat(value, 64)
			total += time.Duration(seconds * float64(time.Second))
		}
	}
	return total
}

// costs reports what an operation takes of both processes' time while f runs.
func costs(b *testing.B, client *redis.Client, n func() int, f func()) {
	b.Helper()
	own, its := cpu(), redisCPU(b, client)
	f()
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(n()) }
	b.ReportMetric(per(cpu()-own), "cpu-µs/op")
	b.ReportMetric(per(redisCPU(b, client)-its), "redis-µs/op")
}

// posted writes posts and comments into the view as the fold does, many at a time.
func posted(b *testing.B, s *store, posts int, comments func(post int) int) {
	b.Helper()
	ctx := b.Context()
	at := bus.ID{Ms: 1}
	w := newWindow()
	flush := func() {
		r, err := s.registered(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.write(ctx, r.views()[0], w); err != nil {
			b.Fatal(err)
		}
		w = newWindow()
	}
	add := func(typ, id string, payload any) {
		at.Ms++
		data, err := json.Marshal(payload)
		if err != nil {
			b.Fatal(err)
		}
		e := bus.Entry{Stream: "s", ID: at, Event: event.Event{Type: typ, Data: data, ID: id, Source: event.Owner(typ), Time: at.Time()}}
		if w.add(decode([]bus.Entry{e})); w.full() {
			flush()
		}
	}
	for p := range posts {
		id := "post-" + number(p)
		created := time.UnixMilli(1_700_000_000_000 + int64(p)).UTC()
		add(event.TypePostCreated, "e"+number(p), event.Post{
			ID: id, Title: new("A title of a usual length"), Body: new(strings.Repeat("Some text that a post may have. ", 8)),
			Author: new("ann"), CreatedAt: &created, Version: new(int64(1)),
		})
		for c := range comments(p) {
			add(event.TypeCommentCreated, "e"+number(p)+"-"+number(c), event.Comment{
				PostID: id, ID: "comment-" + number(p) + "-" + number(c), Content: new("a comment of a usual length, which says something about its post"),
				Author: new("bob"), Status: new(event.Approved), CreatedAt: new(created.Add(time.Duration(c) * time.Millisecond)), Version: new(int64(1)),
			})
		}
	}
	flush()
}

// A random deep page, read from Redis, of few posts and of many.
func BenchmarkDeepPage(b *testing.B) {
	for _, posts := range []int{1_000, 200_000} {
		b.Run(number(posts), func(b *testing.B) {
			s, client := benchStore(b)
			posted(b, s, posts, func(p int) int { return 0 })
			random := rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			costs(b, client, func() int { return n }, func() {
				for b.Loop() {
					n++
					p := 20 + random.IntN(posts-20)
					after := web.Cursor{At: time.UnixMilli(1_700_000_000_000 + int64(p)).UTC(), ID: "post-" + number(p)}
					found, _, _, err := s.page(b.Context(), after, web.DefaultLimit+1)
					if err != nil || len(found) < web.DefaultLimit {
						b.Fatal(len(found), err)
					}
				}
			})
		})
	}
}

// The first page of 1,000 posts with 10 comments each, read and rendered: what a
// page costs that is not kept.
func BenchmarkFirstPage(b *testing.B) {
	s, client := benchStore(b)
	posted(b, s, 1_000, func(int) int { return 10 })
	b.ReportAllocs()
	n := 0
	costs(b, client, func() int { return n }, func() {
		for b.Loop() {
			n++
			found, _, _, err := s.page(b.Context(), web.Cursor{}, web.DefaultLimit+1)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := web.Render(found); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The first page of the comments of a post that has few and of one that has many,
// and the post itself with its latest.
func BenchmarkCommentsPage(b *testing.B) {
	for _, comments := range []int{21, 10_000} {
		s, client := benchStore(b)
		posted(b, s, 1, func(int) int { return comments })
		for what, read := range map[string]func(context.Context) error{
			"first": func(ctx context.Context) error {
				_, _, err := s.comments(ctx, "post-0", web.Cursor{}, web.DefaultLimit+1)
				return err
			},
			"post": func(ctx context.Context) error { _, _, err := s.post(ctx, "post-0"); return err },
		} {
			b.Run(what+"/"+number(comments), func(b *testing.B) {
				b.ReportAllocs()
				n := 0
				costs(b, client, func() int { return n }, func() {
					for b.Loop() {
						n++
						if err := read(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}

// One more comment on a post that has n, folded alone.
func BenchmarkNthComment(b *testing.B) {
	for _, comments := range []int{10, 10_000} {
		b.Run(number(comments), func(b *testing.B) {
			s, client := benchStore(b)
			posted(b, s, 1, func(int) int { return comments })
			b.ReportAllocs()
			n := 0
			costs(b, client, func() int { return n }, func() {
				for b.Loop() {
					n++
					if err := s.handle(b.Context(), commentEntry(n%50, "post-0", uint64(n))); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// commentEntry is a comment as it is created, n of a post, again and again.
func commentEntry(n int, post string, at uint64) bus.Entry {
	id := bus.ID{Ms: 1_800_000_000_000 + at}
	data, _ := json.Marshal(event.Comment{
		PostID: post, ID: "late-" + number(n), Content: new("a comment of a usual length, which says something about its post"),
		Author: new("bob"), Status: new(event.Approved), CreatedAt: new(id.Time()), Version: new(int64(at)),
	})
	return bus.Entry{Stream: event.Stream(event.Comments), ID: id, Event: event.Event{
		Type: event.TypeCommentCreated, Data: data, ID: "e" + id.String(), Source: event.Comments, Subject: post, Time: id.Time(),
	}}
}
