package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// measureDeep shows that a page costs the same wherever it is in the feed, and
// however long that is.
func measureDeep(ctx context.Context, s *stage) ([]*row, error) { return deepOf(ctx, s, 200_000) }

func measureDeepMillion(ctx context.Context, s *stage) ([]*row, error) {
	return deepOf(ctx, s, 1_000_000)
}

func deepOf(ctx context.Context, s *stage, many int) ([]*row, error) {
	const few, short = 1000, "newsfeed at 1,000 posts"
	what := fmt.Sprintf("GET /posts, random pages of %s posts, p50 of 64 connections", number(float64(many)))
	fresh := &row{Key: "deep", What: what + ", none asked for twice", Unit: "ms", Less: true, Bounds: []bound{most(1.5, short)}}
	again := &row{Key: "deep-again", What: what + ", 900 pages again and again", Unit: "ms", Less: true, Bounds: []bound{most(1.5, short)}}
	var contestants []contestant
	for _, c := range []struct {
		name  string
		posts int
	}{{newsfeed, many}, {short, few}} {
		posts, _, err := feed{posts: c.posts}.events()
		if err != nil {
			return nil, err
		}
		q, _, err := s.query(ctx, posts, nil)
		if err != nil {
			return nil, err
		}
		contestants = append(contestants, contestant{c.name, func(ctx context.Context, round int) ([]float64, error) {
			first, err := s.p50(ctx, q, freshPages(c.posts, round))
			if err != nil {
				return nil, err
			}
			second, err := s.p50(ctx, q, samePages(c.posts))
			return []float64{first, second}, err
		}})
	}
	rows := []*row{fresh, again}
	return rows, s.rounds(ctx, rows, contestants...)
}

// freshPages are paths of whole pages from everywhere in the feed, more than a
// round asks for, and others in each round. That query keeps pages is no help with
// them: a feed of 1,000 posts has so few pages that it would keep all, and what is
// compared would be the size of its memory. A cursor need not be that of a post.
func freshPages(posts, round int) []string {
	random := rand.New(rand.NewPCG(1, uint64(round))) //nolint:gosec // for the same pages in each run
	paths := make([]string, 60_000)
	for i := range paths {
		n := pageSize + random.IntN(posts-pageSize)
		paths[i] = "/posts?cursor=" + web.Cursor{At: createdAt(n), ID: fmt.Sprintf("%s~%d.%d", postID(n), round, i)}.String()
	}
	return paths
}

// samePages are 900 pages from everywhere in the feed.
func samePages(posts int) []string {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // for the same pages in each run
	paths := make([]string, 900)
	for i := range paths {
		paths[i] = "/posts?cursor=" + cursor(pageSize+random.IntN(posts-pageSize))
	}
	return paths
}

// pageSize is how many elements a page has.
const pageSize = 20

// pages is a contestant that is asked for these pages; the figure is p50 in ms.
func (s *stage) pages(name string, q *process, paths []string) contestant {
	return contestant{name, one(func(ctx context.Context, _ int) (float64, error) { return s.p50(ctx, q, paths) })}
}

// p50 reads pages from 64 connections. A few are looked at before: that each is
// whole.
func (s *stage) p50(ctx context.Context, q *process, paths []string) (float64, error) {
	c := newClient()
	for _, path := range paths[:20] {
		var page []struct{ ID string }
		if err := c.get(ctx, q.url()+path, &page); err != nil || len(page) != pageSize {
			return 0, fmt.Errorf("GET %s: %d elements: %w", path, len(page), err)
		}
	}
	got, err := s.wrk(ctx, q.url(), load{method: http.MethodGet, paths: paths, lasts: loadLasts})
	return got.p50, errors.Join(err, got.flawless())
}

// measureComments shows that the comments of a post cost the same however many
// there are.
func measureComments(ctx context.Context, s *stage) ([]*row, error) {
	const many, few, short = 10_000, 20, "newsfeed at a post with 20"
	posts, _, err := feed{posts: 2}.events()
	if err != nil {
		return nil, err
	}
	var comments []event.Event
	for i, n := range []int{many, few} {
		for j := range n {
			two, err := approvedEvents(postID(i), fmt.Sprintf("comment-%d-%d", i, j))
			if err != nil {
				return nil, err
			}
			comments = append(comments, two...)
		}
	}
	q, _, err := s.query(ctx, posts, comments)
	if err != nil {
		return nil, err
	}
	r := &row{
		Key: "comments", What: "first page of the comments of a post with 10,000, p50 of 64 connections", Unit: "ms", Less: true,
		Bounds: []bound{most(1.5, short)},
	}
	path := func(i int) []string {
		paths := make([]string, 20)
		for n := range paths {
			paths[n] = "/posts/" + postID(i) + "/comments"
		}
		return paths
	}
	return []*row{r}, s.rounds(ctx, []*row{r}, s.pages(newsfeed, q, path(0)), s.pages(short, q, path(1)))
}
