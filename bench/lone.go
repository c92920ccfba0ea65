package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
)

// measureLone shows that a publisher that is alone waits for nobody.
func measureLone(ctx context.Context, s *stage) ([]*row, error) {
	const one = "one plain call of the same script"
	var rows []*row
	for _, fsync := range []string{always, everysec} {
		db, err := s.redis(ctx, fsync)
		if err != nil {
			return nil, err
		}
		script, err := s.commitScript()
		if err != nil {
			return nil, err
		}
		b := bus.New(ctx, db, bus.Options{Log: slog.New(slog.DiscardHandler)})
		defer b.Close()
		r := &row{Key: "lone-" + fsync, What: "a lone publisher, p50, " + fsync, Unit: "ms", Less: true, Bounds: []bound{most(1.3, one)}}
		rows = append(rows, r)
		err = s.rounds(ctx, []*row{r},
			contestant{newsfeed, lone(db.Client, func(ctx context.Context, c bus.Change) error {
				_, err := b.Publish(ctx, c.Stream, c.Event)
				return err
			})},
			contestant{one, lone(db.Client, func(ctx context.Context, c bus.Change) error {
				return call(ctx, db.Client, script, c)
			})},
		)
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// call makes one change with a plain call of the script.
func call(ctx context.Context, client *redis.Client, script *redis.Script, c bus.Change) error {
	keys, args := bus.Arguments(c)
	return written(script.Run(ctx, client, keys, args...))
}

// lone is the turn of one goroutine that writes 2,000 events one after another.
func lone(client *redis.Client, write func(context.Context, bus.Change) error) func(context.Context, int) ([]float64, error) {
	return func(ctx context.Context, round int) ([]float64, error) {
		const n = 2000
		changes := make([]bus.Change, n)
		for i := range changes {
			var err error
			if changes[i], err = publication(benchStream)(round, i); err != nil {
				return nil, err
			}
		}
		return grown(ctx, client, benchStream, n, func() ([]float64, error) {
			var took []float64
			for i, c := range changes {
				begin := time.Now()
				if err := write(ctx, c); err != nil {
					return nil, fmt.Errorf("event %d: %w", i, err)
				}
				took = append(took, milliseconds(time.Since(begin)))
			}
			return []float64{percentile(took, 50)}, nil
		})
	}
}
