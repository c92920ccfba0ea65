package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

const (
	nthBig   = 10_000
	nthSmall = 9   // the next is the tenth
	nthTimes = 200 // in a round
)

// measureNth shows that the 10,000th comment of a post is folded as fast as the
// 10th: how long each takes from its entry to the notice that the view has it.
func measureNth(ctx context.Context, s *stage) ([]*row, error) {
	const tenth = "newsfeed, the 10th comment"
	small := nthTimes * (s.opt.rounds + 1) // each is used once, and a profile takes a turn as well
	posts, _, err := feed{posts: small + 1}.events()
	if err != nil {
		return nil, err
	}
	var comments []event.Event
	for i := range small + 1 {
		n := nthSmall
		if i == small {
			n = nthBig - 1
		}
		for j := range n {
			e, err := commentEvent(postID(i), fmt.Sprintf("comment-%d-%d", i, j))
			if err != nil {
				return nil, err
			}
			comments = append(comments, e)
		}
	}
	_, db, err := s.query(ctx, posts, comments)
	if err != nil {
		return nil, err
	}
	r := &row{
		Key: "nth", What: "the 10,000th comment of a post, from its event to the view, p50", Unit: "ms", Less: true,
		Bounds: []bound{most(1.5, tenth)},
	}
	return []*row{r}, s.rounds(ctx, []*row{r},
		contestant{newsfeed, one(func(ctx context.Context, round int) (float64, error) {
			return foldedOneByOne(ctx, db.Client, "big"+strconv.Itoa(round), func(int) string { return postID(small) })
		})},
		contestant{tenth, one(func(ctx context.Context, round int) (float64, error) {
			return foldedOneByOne(ctx, db.Client, "small"+strconv.Itoa(round), func(i int) string { return postID(round*nthTimes + i) })
		})},
	)
}

// foldedOneByOne writes the event of a comment and waits for the notice that the
// view has it, and then the next; it returns the median.
func foldedOneByOne(ctx context.Context, client *redis.Client, name string, post func(i int) string) (float64, error) {
	const notices = "{query}:changes"
	last := "0"
	newest, err := client.XRevRangeN(ctx, notices, "+", "-", 1).Result()
	if err != nil {
		return 0, err
	}
	if len(newest) > 0 {
		last = newest[0].ID
	}
	var took []float64
	for i := range nthTimes {
		id := fmt.Sprintf("%s-%d", name, i)
		e, err := commentEvent(post(i), id)
		if err != nil {
			return 0, err
		}
		begin := time.Now()
		if err := client.XAdd(ctx, &redis.XAddArgs{Stream: benchStream, Values: e.Fields()}).Err(); err != nil {
			return 0, err
		}
		got, err := client.XRead(ctx, &redis.XReadArgs{Streams: []string{notices, last}, Count: 1, Block: 5 * time.Second}).Result()
		if err != nil {
			return 0, err
		}
		took = append(took, milliseconds(time.Since(begin)))
		m := got[0].Messages[0]
		last = m.ID
		if data, _ := m.Values["data"].(string); !strings.Contains(data, strconv.Quote(id)) {
			return 0, fmt.Errorf("the notice after comment %s is of something else: %s", id, data)
		}
	}
	return percentile(took, 50), nil
}
