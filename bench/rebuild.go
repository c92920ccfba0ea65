package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/services/query"
)

const bareRange = "bare XRANGE that decodes every entry"

// measureRebuild compares making the view anew, its verification included, with
// reading the streams.
func measureRebuild(ctx context.Context, s *stage) ([]*row, error) {
	db, _, err := s.history(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.service(ctx, "query", db)
	if err != nil {
		return nil, err
	}
	if err := caughtUp(ctx, db, "query"); err != nil {
		return nil, err
	}
	s.quit(p)
	b := bus.New(ctx, db, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	whole := &row{Key: "rebuild", What: "rebuild of 5,000 posts and 50,000 comments, verified", Unit: "entries/s", Bounds: []bound{least(0.15, bareRange)}}
	folding := &row{Key: "rebuild-folding", What: "of it the folding", Unit: "entries/s"}
	rows := []*row{whole, folding}
	return rows, s.rounds(ctx, rows,
		contestant{newsfeed, func(ctx context.Context, _ int) ([]float64, error) {
			start := time.Now()
			done, err := query.Rebuild(ctx, b, func(query.Step) {})
			if err != nil {
				return nil, err
			}
			took := time.Since(start)
			if !done.Checked.Clean() || done.Entries != subjects+appliedComments || done.Checked.Comments != appliedComments {
				return nil, fmt.Errorf("the rebuild did less than it should: %+v", done)
			}
			n := float64(done.Entries)
			return []float64{n / took.Seconds(), n / done.Folding.Seconds()}, nil
		}},
		contestant{bareRange, func(ctx context.Context, _ int) ([]float64, error) {
			rate, err := rangeAll(ctx, db)
			return []float64{rate, rate}, err
		}},
	)
}

// rangeAll reads both streams and decodes every entry, payload included.
func rangeAll(ctx context.Context, db database) (perSecond float64, err error) {
	n, start := 0, time.Now()
	for _, stream := range []string{postStream, benchStream} {
		for from := "-"; ; {
			messages, err := db.XRangeN(ctx, stream, from, "+", 1000).Result()
			if err != nil {
				return 0, err
			}
			for _, m := range messages {
				e, err := parse(m)
				if err != nil {
					return 0, err
				}
				if _, err := e.Decode(); err != nil {
					return 0, err
				}
			}
			n += len(messages)
			if len(messages) < 1000 {
				break
			}
			from = "(" + messages[len(messages)-1].ID
		}
	}
	took := time.Since(start)
	if n != subjects+appliedComments {
		return 0, fmt.Errorf("%d entries were read", n)
	}
	return float64(n) / took.Seconds(), nil
}
