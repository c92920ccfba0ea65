package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	bareDecode = "bare net/http, decodes and answers, stores nothing"
	loadLasts  = 3 * time.Second
)

// newPostBody is what the writers send.
func newPostBody() ([]byte, error) {
	return json.Marshal(map[string]string{
		"title": "A title of a usual length", "author": "somebody",
		"body": strings.Repeat("Some words that a post is made of. ", 10),
	})
}

// measureWrite compares the posts service with a server that does nothing but
// JSON, and with Express, whose bus and services keep everything in memory.
func measureWrite(ctx context.Context, s *stage) ([]*row, error) {
	body, err := newPostBody()
	if err != nil {
		return nil, err
	}
	write := load{method: "POST", body: body, lasts: loadLasts}
	r := &row{
		Key: "write-everysec", What: "POST /posts, 64 connections, everysec", Unit: "requests/s",
		Bounds: []bound{least(0.4, bareDecode), least(8, expressPlain, expressBest)},
	}
	contestants, err := s.posts(ctx, everysec, write)
	if err != nil {
		return nil, err
	}
	bare, err := s.bare(ctx)
	if err != nil {
		return nil, err
	}
	contestants = append(contestants, s.writer(bareDecode, bare, write, func(ctx context.Context) (n int, err error) {
		return n, newClient().get(ctx, bare.url()+"/count", &n)
	}))
	for _, c := range []struct{ name, env string }{{expressPlain, ""}, {expressBest, "production"}} {
		app, err := s.express(ctx, c.env, "event-bus", "posts", "comments", "moderation", "query")
		if err != nil {
			return nil, err
		}
		posts := app["posts"]
		contestants = append(contestants, s.writer(c.name, posts, write, func(ctx context.Context) (n int, err error) {
			return n, newClient().get(ctx, posts.url()+"/count", &n)
		}))
	}
	if err := s.rounds(ctx, []*row{r}, contestants...); err != nil {
		return nil, err
	}
	strict := &row{Key: "write-always", What: "POST /posts, 64 connections, always", Unit: "requests/s"}
	if contestants, err = s.posts(ctx, always, write); err != nil {
		return nil, err
	}
	return []*row{r, strict}, s.rounds(ctx, []*row{strict}, contestants...)
}

// posts is the posts service as a contestant, on a Redis of its own.
func (s *stage) posts(ctx context.Context, fsync string, write load) ([]contestant, error) {
	db, err := s.redis(ctx, fsync)
	if err != nil {
		return nil, err
	}
	p, err := s.service(ctx, "posts", db)
	if err != nil {
		return nil, err
	}
	return []contestant{s.writer(newsfeed, p, write, func(ctx context.Context) (int, error) {
		n, err := db.XLen(ctx, postStream).Result()
		return int(n), err
	})}, nil
}

// writer is a contestant that takes posts; count says how many it has.
func (s *stage) writer(name string, p *process, write load, count func(context.Context) (int, error)) contestant {
	return contestant{name, one(func(ctx context.Context, _ int) (float64, error) {
		before, err := count(ctx)
		if err != nil {
			return 0, err
		}
		got, err := s.wrk(ctx, p.url()+"/posts", write)
		if err != nil {
			return 0, err
		}
		if err := got.flawless(); err != nil && !strings.HasPrefix(name, "Express") {
			return 0, err // Express fails now and then, and its good answers count
		}
		after, err := count(ctx)
		// What was under way in the end is not counted by wrk.
		if made := after - before; err == nil && (made < got.requests || made > got.requests+got.bad+connections) {
			err = fmt.Errorf("%d posts were answered and %d were made", got.requests, made)
		}
		return got.rate, err
	})}
}
