package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bus"
)

const (
	pace = 200 // events a second
	hops = 600 // of a round
)

// paced calls do n times, 200 times a second. A call that takes longer than its
// time holds up none of the others.
func paced(ctx context.Context, n int, do func(i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(time.Second / pace)
	defer tick.Stop()
	for i := range n {
		select {
		case <-tick.C:
			g.Go(func() error { return do(i) })
		case <-ctx.Done():
			return g.Wait()
		}
	}
	return g.Wait()
}

// flight notes when each of n things began and when it arrived.
type flight struct {
	began, arrived []time.Time
	ids            map[string]int // the number of an id, made before the start
}

func newFlight(n int) *flight {
	return &flight{began: make([]time.Time, n), arrived: make([]time.Time, n), ids: make(map[string]int, n)}
}

// p50 in milliseconds; an error if something has not arrived.
func (f *flight) p50() (float64, error) {
	took := make([]float64, len(f.began))
	for i := range took {
		if f.arrived[i].IsZero() {
			return 0, fmt.Errorf("number %d of %d has not arrived", i, len(took))
		}
		took[i] = milliseconds(f.arrived[i].Sub(f.began[i]))
	}
	return percentile(took, 50), nil
}

const oneHop = "bare XADD to the return of XREADGROUP"

// measureHop shows how long an event takes from its publisher to a handler that
// waits for it.
func measureHop(ctx context.Context, s *stage) ([]*row, error) {
	db, err := s.redis(ctx, always)
	if err != nil {
		return nil, err
	}
	r := &row{Key: "hop", What: "one hop at 200/s, p50, always", Unit: "ms", Less: true, Bounds: []bound{most(1.5, oneHop)}}
	return []*row{r}, s.rounds(ctx, []*row{r},
		contestant{newsfeed, one(func(ctx context.Context, round int) (float64, error) {
			return busHop(ctx, db.Client, "{comments}:hop"+strconv.Itoa(round))
		})},
		contestant{oneHop, one(func(ctx context.Context, round int) (float64, error) {
			return bareHop(ctx, db.Client, "bare"+strconv.Itoa(round))
		})},
	)
}

// prepareHops makes the events of a round.
func prepareHops(stream string) (*flight, []bus.Change, error) {
	f, changes := newFlight(hops), make([]bus.Change, hops)
	for i := range changes {
		var err error
		if changes[i], err = publication(stream)(0, i); err != nil {
			return nil, nil, err
		}
		f.ids[changes[i].Event.ID] = i
	}
	return f, changes, nil
}

// busHop returns the median from the call of Publish to that of the handler.
func busHop(ctx context.Context, client *redis.Client, stream string) (float64, error) {
	f, changes, err := prepareHops(stream)
	if err != nil {
		return 0, err
	}
	b := bus.New(ctx, client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	consuming, stop := context.WithCancel(ctx)
	defer stop()
	handled, finished := make(chan struct{}, hops), make(chan error, 1)
	go func() { // ends with its context, and is waited for
		finished <- b.Consume(consuming, bus.Subscription{Group: "bus", Consumer: "bus", Streams: []string{stream}},
			func(_ context.Context, e bus.Entry) error {
				f.arrived[f.ids[e.Event.ID]] = time.Now()
				handled <- struct{}{}
				return nil
			})
	}()
	err = paced(ctx, hops, func(i int) error {
		f.began[i] = time.Now()
		_, err := b.Publish(ctx, stream, changes[i].Event)
		return err
	})
	for n := 0; n < hops && err == nil; n++ {
		select {
		case <-handled:
		case <-time.After(10 * time.Second):
			err = errors.New("not everything arrived within 10 s")
		}
	}
	stop()
	if err := errors.Join(err, <-finished); err != nil {
		return 0, err
	}
	if err := nothingPending(ctx, client, stream, "bus"); err != nil {
		return 0, err
	}
	return f.p50()
}

// bareHop returns the median from XADD to the return of a blocked XREADGROUP.
func bareHop(ctx context.Context, client *redis.Client, stream string) (float64, error) {
	f, changes, err := prepareHops(stream)
	if err != nil {
		return 0, err
	}
	if err := client.XGroupCreateMkStream(ctx, stream, "bare", "0").Err(); err != nil {
		return 0, err
	}
	var g errgroup.Group
	g.Go(func() error {
		for n := 0; n < hops; {
			streams, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
				Group: "bare", Consumer: "bare", Streams: []string{stream, ">"}, Count: 500, Block: 5 * time.Second,
			}).Result()
			if err != nil {
				return err
			}
			now := time.Now()
			ids := make([]string, len(streams[0].Messages))
			for i, m := range streams[0].Messages {
				id, _ := m.Values["id"].(string)
				f.arrived[f.ids[id]], ids[i] = now, m.ID
			}
			if err := client.XAck(ctx, stream, "bare", ids...).Err(); err != nil {
				return err
			}
			n += len(ids)
		}
		return nil
	})
	err = paced(ctx, hops, func(i int) error {
		f.began[i] = time.Now()
		return client.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: changes[i].Event.Fields()}).Err()
	})
	if err := errors.Join(err, g.Wait()); err != nil {
		return 0, err
	}
	return f.p50()
}
