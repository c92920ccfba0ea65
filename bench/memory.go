package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/event"
)

// write lets 16 clients write n comments, and returns when query has them all as
// approved.
func (y *system) write(ctx context.Context, n int) error {
	before, err := y.db.XLen(ctx, benchStream).Result()
	if err != nil {
		return err
	}
	const clients = 16
	g, gctx := errgroup.WithContext(ctx)
	for c := range clients {
		g.Go(func() error {
			for i := c; i < n; i += clients {
				if _, err := y.comment(gctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	// Each has been made and then updated by its verdict.
	want := before + int64(2*n)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		there, err := y.db.XLen(ctx, benchStream).Result()
		if err != nil {
			return err
		}
		if there == want {
			return caughtUp(ctx, y.db, event.Query)
		}
		if time.Now().After(deadline) || there > want {
			return fmt.Errorf("%d entries are on the stream of comments, of %d", there, want)
		}
	}
}

const (
	rememberedComments = 2000 // of a round
	jsonsOfComment     = 8
	beside             = 3 << 10
)

// measureMemory shows what a comment takes of Redis's memory, in all services and
// streams.
func measureMemory(ctx context.Context, s *stage) ([]*row, error) {
	y, err := s.system(ctx, everysec, 100)
	if err != nil {
		return nil, err
	}
	if err := y.write(ctx, rememberedComments); err != nil { // what there is once, scripts for instance
		return nil, err
	}
	id, err := y.comment(ctx, 0)
	if err != nil {
		return nil, err
	}
	// How the comments service itself keeps it, without the line before the JSON.
	value, err := y.db.Get(ctx, "{comments}:doc:"+id).Result()
	if err != nil {
		return nil, err
	}
	_, doc, _ := strings.Cut(value, "\n")
	r := &row{
		Key: "memory", What: "Redis memory per comment, all services and streams", Unit: "bytes", Less: true,
		Bounds: []bound{most(float64(jsonsOfComment*len(doc) + beside))},
	}
	before, err := y.kinds(ctx)
	if err != nil {
		return nil, err
	}
	err = s.rounds(ctx, []*row{r}, contestant{newsfeed, one(func(ctx context.Context, _ int) (float64, error) {
		before, err := y.usedMemory(ctx)
		if err != nil {
			return 0, err
		}
		if err := y.write(ctx, rememberedComments); err != nil {
			return 0, err
		}
		after, err := y.usedMemory(ctx)
		return (after - before) / rememberedComments, err
	})})
	if err != nil {
		return nil, err
	}
	after, err := y.kinds(ctx)
	if err != nil {
		return nil, err
	}
	n := float64(rememberedComments * len(r.Series[0].Rounds))
	r.note("the comment's own JSON has %d bytes; asked is %d × that plus %d", len(doc), jsonsOfComment, beside)
	r.note("of it, in bytes: %s", consists(before, after, n))
	return []*row{r}, nil
}

func (y *system) usedMemory(ctx context.Context) (float64, error) {
	info, err := y.db.InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(info["Memory"]["used_memory"], 64)
}

// kinds is how many bytes there are in keys of each kind.
func (y *system) kinds(ctx context.Context) (map[string]int64, error) {
	kinds := map[string]int64{}
	keys := y.db.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		n, err := y.db.MemoryUsage(ctx, keys.Val(), 0).Result()
		if err != nil {
			return nil, err
		}
		kinds[kindOf(keys.Val())] += n
	}
	return kinds, keys.Err()
}

// kindOf is a key without the ids in it: {query}:1:comments:<post> is of the kind
// {query}:1:comments.
func kindOf(key string) string {
	parts := strings.Split(key, ":")
	for i, p := range parts {
		if len(p) > 20 { // an id
			return strings.Join(parts[:i], ":")
		}
	}
	return key
}

// consists lists what has grown, the largest first.
func consists(before, after map[string]int64, comments float64) string {
	type part struct {
		kind  string
		bytes float64
	}
	var parts []part
	for kind := range maps.Keys(after) {
		if grown := float64(after[kind]-before[kind]) / comments; grown >= 1 {
			parts = append(parts, part{kind, grown})
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return int(b.bytes - a.bytes) })
	var texts []string
	for _, p := range parts {
		texts = append(texts, fmt.Sprintf("%s %.0f", p.kind, p.bytes))
	}
	return strings.Join(texts, ", ")
}

// measureGrowth shows that ten times the events take ten times the time.
func measureGrowth(ctx context.Context, s *stage) ([]*row, error) { return growthOf(ctx, s, 500) }

func measureGrowthMillion(ctx context.Context, s *stage) ([]*row, error) {
	return growthOf(ctx, s, 34_000) // with ten times of it, a million events
}

func growthOf(ctx context.Context, s *stage, n int) ([]*row, error) {
	y, err := s.system(ctx, everysec, 100)
	if err != nil {
		return nil, err
	}
	tenfold := fmt.Sprintf("ten times the time of %s", number(float64(n)))
	r := &row{
		Key: "growth", What: fmt.Sprintf("%s comments from POST to the view, approved", number(float64(10*n))), Unit: "s", Less: true,
		Bounds: []bound{most(1.2, tenfold)},
	}
	timed := func(name string, n, times float64) contestant {
		return contestant{name, one(func(ctx context.Context, _ int) (float64, error) {
			start := time.Now()
			err := y.write(ctx, int(n))
			return times * time.Since(start).Seconds(), err
		})}
	}
	return []*row{r}, s.rounds(ctx, []*row{r}, timed(newsfeed, float64(10*n), 1), timed(tenfold, float64(n), 10))
}
