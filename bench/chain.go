package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
	"newsfeed/services/comments"
	"newsfeed/services/moderator"
	"newsfeed/services/posts"
	"newsfeed/services/query"
)

const hops = 300 // of each kind in a round

// bareHop returns the median milliseconds from XADD to the return of a blocked
// XREADGROUP in another goroutine.
func bareHop(ctx context.Context, client *redis.Client, stream string) (float64, error) {
	if err := client.XGroupCreateMkStream(ctx, stream, "bare", "0").Err(); err != nil {
		return 0, err
	}
	arrived := make(chan time.Time, 1)
	var g errgroup.Group
	g.Go(func() error {
		for range hops {
			s, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
				Group: "bare", Consumer: "bare", Streams: []string{stream, ">"}, Count: 500, Block: 5 * time.Second,
			}).Result()
			if err != nil {
				return err
			}
			arrived <- time.Now()
			if err := client.XAck(ctx, stream, "bare", s[0].Messages[0].ID).Err(); err != nil {
				return err
			}
		}
		return nil
	})
	var took []float64
	for range hops {
		time.Sleep(2 * time.Millisecond) // the reader waits again
		begin := time.Now()
		if err := client.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{"type", "x", "data", "{}"}}).Err(); err != nil {
			return 0, err
		}
		select {
		case at := <-arrived:
			took = append(took, float64(at.Sub(begin).Microseconds())/1000)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return median(took), g.Wait()
}

// feed is all services in this process.
type feed struct {
	urls map[string]string
	http *http.Client
	post string // the id of a post to comment on
}

// startFeed runs the services on free ports until ctx ends.
func startFeed(ctx context.Context, g *errgroup.Group, redisAddr string) (*feed, error) {
	f := &feed{urls: map[string]string{}, http: &http.Client{Timeout: 5 * time.Second}}
	log, unlimited := slog.New(slog.DiscardHandler), web.RateLimit{Off: true}
	for _, s := range []struct {
		name string
		run  func(web.Config) error
	}{
		{event.Posts, func(c web.Config) error { return posts.Run(ctx, posts.Config{Config: c, RateLimit: unlimited}, log) }},
		{event.Comments, func(c web.Config) error {
			return comments.Run(ctx, comments.Config{Config: c, RateLimit: unlimited}, log)
		}},
		{event.Moderator, func(c web.Config) error { return moderator.Run(ctx, moderator.Config{Config: c}, log) }},
		{event.Query, func(c web.Config) error { return query.Run(ctx, query.Config{Config: c}, log) }},
	} {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			return nil, err
		}
		f.urls[s.name] = "http://" + addr
		g.Go(func() error {
			return s.run(web.Config{
				ListenAddr: web.ListenAddr(addr), RedisURL: web.RedisURL("redis://" + redisAddr),
				Instance: "bench", DrainTimeout: web.DrainDuration(web.DefaultDrain),
			})
		})
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		id, err := f.create(ctx, event.Posts, "/posts", `{"title":"bench"}`)
		if err == nil {
			f.post = id
			return f, nil
		}
		if time.Now().After(deadline) {
			return nil, err
		}
	}
}

func (f *feed) create(ctx context.Context, service, path, body string) (id string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.urls[service]+path, bytes.NewBufferString(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := f.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	var made struct{ ID string }
	if res.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("%s%s: %s", service, path, res.Status)
	}
	err = json.NewDecoder(res.Body).Decode(&made)
	return made.ID, err
}

// approved returns the milliseconds from the answer to a new comment until query
// shows it as approved.
func (f *feed) approved(ctx context.Context, n int) (float64, error) {
	id, err := f.create(ctx, event.Comments, "/posts/"+f.post+"/comments", `{"content":"comment `+strconv.Itoa(n)+`"}`)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	needle := []byte(`"id":"` + id + `","content":"comment`) // the text shows once it is approved
	for time.Since(begin) < 5*time.Second {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.urls[event.Query]+"/posts/"+f.post, nil)
		if err != nil {
			return 0, err
		}
		res, err := f.http.Do(req)
		if err != nil {
			return 0, err
		}
		body, err := io.ReadAll(res.Body)
		if err := res.Body.Close(); err != nil {
			return 0, err
		}
		if err != nil {
			return 0, err
		}
		if bytes.Contains(body, needle) {
			return float64(time.Since(begin).Microseconds()) / 1000, nil
		}
	}
	return 0, fmt.Errorf("comment %s was not approved within 5 s", id)
}

// measureChain compares a comment's way through every service with one bare hop.
func measureChain(ctx context.Context) ([]row, error) {
	addr, stop, err := startRedis(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	feedCtx, end := context.WithCancel(ctx)
	var g errgroup.Group
	f, err := startFeed(feedCtx, &g, addr)
	if err != nil {
		end()
		return nil, err
	}
	r := row{what: "comment accepted → approved in query, p50", unit: "ms", most: 12}
	for i := range rounds {
		bare, err := bareHop(ctx, client, fmt.Sprintf("bare%d", i))
		if err != nil {
			end()
			return nil, err
		}
		var took []float64
		for n := range hops {
			ms, err := f.approved(ctx, n)
			if err != nil {
				end()
				return nil, err
			}
			took = append(took, ms)
		}
		r.bare, r.ours = append(r.bare, bare), append(r.ours, median(took))
	}
	end()
	return []row{r}, g.Wait()
}
