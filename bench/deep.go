package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"

	"newsfeed/internal/event"
)

// measureDeep shows that a page costs the same wherever it is in the feed, and
// however long that is.
func measureDeep(ctx context.Context, s *stage) ([]*row, error) { return deepOf(ctx, s, 200_000) }

func measureDeepMillion(ctx context.Context, s *stage) ([]*row, error) {
	return deepOf(ctx, s, 1_000_000)
}

func deepOf(ctx context.Context, s *stage, many int) ([]*row, error) {
	const few, short = 1000, "newsfeed at 1,000 posts"
	r := &row{
		Key: "deep", What: fmt.Sprintf("GET /posts, random pages of %s posts, p50 of 64 connections", number(float64(many))), Unit: "ms",
		Less: true, Bounds: []bound{most(1.5, short)},
	}
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
		contestants = append(contestants, s.pages(c.name, q, randomPages(c.posts)))
	}
	return []*row{r}, s.rounds(ctx, []*row{r}, contestants...)
}

// randomPages are paths of whole pages from everywhere in the feed.
func randomPages(posts int) []string {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // for the same pages in each run
	paths := make([]string, 5000)
	for i := range paths {
		paths[i] = "/posts?cursor=" + cursor(pageSize+random.IntN(posts-pageSize))
	}
	return paths
}

// pageSize is how many elements a page has.
const pageSize = 20

// pages is a contestant whose pages are read at random; the figure is p50 in ms.
func (s *stage) pages(name string, q *process, paths []string) contestant {
	return contestant{name, one(func(ctx context.Context, _ int) (float64, error) {
		for _, path := range paths[:20] {
			var page []struct{ ID string }
			if err := newClient().get(ctx, q.url()+path, &page); err != nil || len(page) != pageSize {
				return 0, fmt.Errorf("GET %s: %d elements: %w", path, len(page), err)
			}
		}
		got, err := s.wrk(ctx, q.url(), load{method: http.MethodGet, paths: paths, lasts: loadLasts})
		return got.p50, errors.Join(err, got.flawless())
	})}
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
