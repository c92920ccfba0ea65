package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"newsfeed/internal/event"
)

const (
	waiters    = 64 // subjects, and as many handlers of a stream run at once
	perSubject = 200
	waited     = 5 * time.Millisecond
)

// measureWait shows what the bus makes of handlers that wait for something else:
// as many run at once as there are subjects.
func measureWait(ctx context.Context, s *stage) ([]*row, error) {
	const goroutines = "64 goroutines with a channel each"
	db, err := s.redis(ctx, always)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, waiters*perSubject)
	for i := range events {
		if events[i], err = commentEvent("post-"+strconv.Itoa(i%waiters), "comment-"+strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	if err := appendAll(ctx, db.Client, benchStream, events); err != nil {
		return nil, err
	}
	r := &row{
		Key: "wait", What: "a handler that waits 5 ms, 64 subjects", Unit: "events/s", Bounds: []bound{least(0.8, goroutines)},
	}
	return []*row{r}, s.rounds(ctx, []*row{r},
		contestant{newsfeed, one(func(ctx context.Context, round int) (float64, error) {
			return busConsume(ctx, db.Client, "bus"+strconv.Itoa(round), events, func(event.Event) { time.Sleep(waited) })
		})},
		contestant{goroutines, one(func(ctx context.Context, _ int) (float64, error) { return inMemory(ctx, events) })},
	)
}

// inMemory hands the events to a goroutine for each subject.
func inMemory(ctx context.Context, events []event.Event) (perSecond float64, err error) {
	t := newTally(events)
	lanes := map[string]chan event.Event{}
	var g sync.WaitGroup
	start := time.Now()
	for _, e := range events {
		lane := lanes[e.Subject]
		if lane == nil {
			lane = make(chan event.Event, perSubject)
			lanes[e.Subject] = lane
			g.Go(func() {
				for e := range lane {
					time.Sleep(waited)
					t.add(e.ID)
				}
			})
		}
		lane <- e
	}
	for _, lane := range lanes {
		close(lane)
	}
	g.Wait()
	took := time.Since(start)
	return float64(len(events)) / took.Seconds(), t.wait(ctx)
}
