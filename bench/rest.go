package main

import (
	"context"
	"errors"
	"time"

	"newsfeed/internal/event"
)

const (
	restBefore = 5 * time.Second // after the start, until it has come to rest
	restEach   = 5 * time.Second // of a round
	mebibyte   = 1 << 20
)

// measureRest shows what the system costs while nobody asks it for anything.
func measureRest(ctx context.Context, s *stage) ([]*row, error) {
	y, err := s.system(ctx, always, 20)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{event.EventBus, "frontend"} {
		if _, err := s.service(ctx, name, y.db); err != nil {
			return nil, err
		}
	}
	apart := append([]*process{}, s.running...) // Redis included
	db, err := s.redis(ctx, always)
	if err != nil {
		return nil, err
	}
	all, offset, err := s.allInOne(ctx, "REDIS_URL="+db.url())
	if err != nil {
		return nil, err
	}
	if err := allReady(ctx, all, offset); err != nil {
		return nil, err
	}
	services := &row{Key: "rest", What: "whole system at rest, each service and Redis a process", Unit: "% of a core", Less: true, Bounds: []bound{most(2)}}
	whole := &row{Key: "rest-one", What: "all in one at rest, with Redis", Unit: "% of a core", Less: true, Bounds: []bound{most(2)}}
	memory := &row{Key: "rest-memory", What: "all in one, resident without Redis", Unit: "MiB", Less: true, Bounds: []bound{most(60)}}
	time.Sleep(restBefore)
	rows := []*row{services, whole, memory}
	return rows, s.rounds(ctx, rows, contestant{newsfeed, func(ctx context.Context, _ int) ([]float64, error) {
		together := []*process{all, db.process}
		before, errBefore := cpuOf(apart, together)
		start := time.Now()
		select {
		case <-time.After(restEach):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		took := time.Since(start)
		after, errAfter := cpuOf(apart, together)
		bytes, err := all.resident()
		if err := errors.Join(errBefore, errAfter, err); err != nil {
			return nil, err
		}
		percent := func(i int) float64 { return 100 * (after[i] - before[i]).Seconds() / took.Seconds() }
		return []float64{percent(0), percent(1), float64(bytes) / mebibyte}, nil
	}})
}

// cpuOf is the CPU time that each group of processes has taken.
func cpuOf(groups ...[]*process) ([]time.Duration, error) {
	sums := make([]time.Duration, len(groups))
	for i, group := range groups {
		for _, p := range group {
			took, err := p.cpu()
			if err != nil {
				return nil, err
			}
			sums[i] += took
		}
	}
	return sums, nil
}

// measureStart shows how soon everything can be used, with a redis-server that is
// started with it.
func measureStart(ctx context.Context, s *stage) ([]*row, error) {
	r := &row{Key: "start", What: "start of all in one with real Redis, until every service is ready", Unit: "ms", Less: true, Bounds: []bound{most(500)}}
	return []*row{r}, s.rounds(ctx, []*row{r}, contestant{newsfeed, one(func(ctx context.Context, _ int) (float64, error) {
		start := time.Now()
		p, offset, err := s.allInOne(ctx)
		if err != nil {
			return 0, err
		}
		defer s.quit(p)
		if err := allReady(ctx, p, offset); err != nil {
			return 0, err
		}
		return milliseconds(time.Since(start)), nil
	})})
}
