package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

const (
	// shareEntries is how many entries' worth of posts are held in memory at a
	// time, at about half a kilobyte for each comment they tell of.
	shareEntries = 500_000
	// comparers is how many posts are compared at a time.
	comparers = 8
	// What differs is looked at again so often, if it is not more than that.
	looks        = 8
	maxSuspects  = 5_000
	maxDifferent = 1_000
	// usualCatchUp is how long the service is waited for, which may be behind.
	usualCatchUp = 30 * time.Second
)

// Report is what a verification found.
type Report struct {
	Generation  int          `json:"generation"`
	Entries     int64        `json:"entries"` // folded afresh
	Posts       int64        `json:"posts"`
	Comments    int64        `json:"comments"`
	Differences []Difference `json:"differences"`
	// More says that there are more differences than are listed.
	More bool `json:"more,omitempty"`
	// Behind says that the service had not folded everything in the end, which
	// may explain the differences.
	Behind bool `json:"behind,omitempty"`
	// Paused is set if that is because an operator lets it rest.
	Paused *bus.Pause `json:"paused,omitempty"`
}

// Clean reports whether the view is what the streams say.
func (r Report) Clean() bool { return len(r.Differences) == 0 && !r.More }

// Verify folds the streams afresh and compares what comes out with the view that
// is read, post by post and comment by comment, while reads and writes go on. It
// writes nothing. What differs is looked at again, since it may only have moved.
// progress is called from one goroutine at a time.
func Verify(ctx context.Context, b *bus.Bus, progress func(Step)) (Report, error) {
	return newStore(b).verifyLive(ctx, progress)
}

func (s *store) verifyLive(ctx context.Context, progress func(Step)) (Report, error) {
	for range 3 {
		r, err := s.peekRegistry(ctx)
		if err != nil {
			return Report{}, err
		}
		if r.Live.Schema != s.schema {
			return Report{}, fmt.Errorf("the view has schema version %d and this release makes %d", r.Live.Schema, s.schema)
		}
		upTo, err := s.ends(ctx)
		if err != nil {
			return Report{}, err
		}
		report, err := s.verify(ctx, view{number: r.Live.Number}, upTo, progress)
		if err != nil {
			return report, err
		}
		now, err := s.peekRegistry(ctx)
		if err != nil || now.Live == r.Live {
			return report, err
		}
	}
	return Report{}, errors.New("the view was replaced while it was looked at")
}

// verifier compares one generation with the streams.
type verifier struct {
	store    *store
	view     view
	upTo     positions // folded so far
	progress func(Step)
	total    int64
	report   Report

	places   map[string]string // where each post stands in the feed
	suspects expectations
	unread   []Difference // what is amiss with the feed itself
}

// verify compares a generation with what stands in the streams up to the given
// ids, or with later entries where it has moved since.
func (s *store) verify(ctx context.Context, v view, upTo positions, progress func(Step)) (Report, error) {
	total, err := s.length(ctx)
	if err != nil {
		return Report{}, err
	}
	shares := int(total/shareEntries) + 1
	c := &verifier{
		store: s, view: v, upTo: upTo, progress: progress, total: total * int64(shares),
		report: Report{Generation: v.number}, places: map[string]string{}, suspects: expectations{},
	}
	for n := range shares {
		if err := c.compareShare(ctx, n, shares); err != nil {
			return c.report, err
		}
	}
	c.report.Entries /= int64(shares)
	if err := c.suspectStrays(ctx); err != nil {
		return c.report, err
	}
	err = c.lookAgain(ctx)
	return c.report, err
}

// compareShare folds one of n shares of the posts, and suspects what differs.
func (c *verifier) compareShare(ctx context.Context, share1, n int) error {
	x := expectations{}
	err := c.store.history(ctx, nil, c.upTo, func(events []told) error {
		for _, t := range events {
			if about := t.about(); share(about.post, n) == share1 {
				x.apply(t)
			}
		}
		c.report.Entries += int64(len(events))
		c.progress(Step{Doing: "compared", Done: c.report.Entries, Total: c.total})
		return nil
	})
	if err != nil {
		return err
	}
	for id, e := range x {
		c.places[id] = e.place()
		c.report.Comments += int64(len(e.comments))
	}
	c.report.Posts += int64(len(x))
	different, err := c.compare(ctx, x)
	for id := range different {
		c.suspect(id, x[id])
	}
	return err
}

func (c *verifier) suspect(id string, e *expected) {
	if len(c.suspects) >= maxSuspects {
		c.report.More = true
		return
	}
	c.suspects[id] = e
}

// compare returns what differs, by post.
func (c *verifier) compare(ctx context.Context, x expectations) (map[string][]Difference, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(comparers)
	var mu sync.Mutex
	different := map[string][]Difference{}
	for id, e := range x {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			return insist(ctx, func() error {
				f, err := c.store.find(ctx, c.view, id, e.place())
				if err != nil {
					return err
				}
				if found := e.differences(c.view, id, f); len(found) > 0 {
					mu.Lock()
					defer mu.Unlock()
					different[id] = found
				}
				return nil
			})
		})
	}
	return different, g.Wait()
}

// lookAgain folds what has come for the suspects meanwhile, and compares again.
func (c *verifier) lookAgain(ctx context.Context) error {
	var different map[string][]Difference
	for look := 0; look < looks && len(c.suspects) > 0; look++ {
		c.progress(Step{Doing: "looked at again", Done: int64(look)})
		to, err := c.store.ends(ctx)
		if err != nil {
			return err
		}
		if err := c.awaitService(ctx, to, look); err != nil {
			return err
		}
		err = c.store.history(ctx, c.upTo, to, func(events []told) error {
			for _, t := range events {
				if _, suspected := c.suspects[t.about().post]; suspected {
					c.suspects.apply(t)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		c.upTo = to
		if different, err = c.compare(ctx, c.suspects); err != nil {
			return err
		}
		err = c.walkFeed(ctx, func(id, member string) {
			if e, suspected := c.suspects[id]; suspected && e.place() != member {
				different[id] = append(different[id], Difference{Post: id, What: misplaced(member)})
			}
		})
		if err != nil && !unreadable(err) {
			return err
		}
		for id := range c.suspects {
			if different[id] == nil {
				delete(c.suspects, id)
			}
		}
	}
	c.report.Differences = append(c.report.Differences, c.unread...)
	for _, found := range different {
		c.report.Differences = append(c.report.Differences, found...)
	}
	slices.SortFunc(c.report.Differences, byPlace)
	if len(c.report.Differences) > maxDifferent {
		c.report.Differences, c.report.More = c.report.Differences[:maxDifferent], true
	}
	return nil
}

// awaitService waits until the service has folded everything up to the given
// ids. Once that was in vain it only gives it a moment, as it does between looks.
func (c *verifier) awaitService(ctx context.Context, to positions, look int) error {
	const moment = 100 * time.Millisecond
	patience, told := c.store.catchUp, c.report.Behind
	if c.report.Behind {
		patience = moment
	}
	wait := func() error {
		select {
		case <-time.After(moment):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if look > 0 {
		if err := wait(); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(patience); ; {
		passed, err := c.passed(ctx, to)
		c.report.Behind = !passed
		if err != nil || passed || time.Now().After(deadline) {
			return err
		}
		if !told {
			told = true
			if err := c.tellBehind(ctx, patience); err != nil {
				return err
			}
		}
		if c.report.Paused != nil {
			return nil // it would not come
		}
		if err := wait(); err != nil {
			return err
		}
	}
}

// tellBehind says how far the service is behind, and whether it rests.
func (c *verifier) tellBehind(ctx context.Context, wait time.Duration) error {
	behind := &Behind{Wait: wait}
	for _, stream := range sources() {
		p, err := c.store.bus.Progress(ctx, stream)
		if err != nil {
			return err
		}
		for _, g := range p.Groups {
			if g.Name == event.Query && g.Lag != nil {
				behind.Entries += *g.Lag + g.Pending
			}
		}
	}
	var err error
	if behind.Paused, err = c.store.bus.PauseOf(ctx, event.Query); err != nil {
		return err
	}
	c.report.Paused = behind.Paused
	c.progress(Step{Doing: "waited for", Behind: behind})
	return nil
}

// passed reports whether the service has folded everything up to the given ids.
func (c *verifier) passed(ctx context.Context, to positions) (bool, error) {
	for stream, id := range to {
		ok, err := c.store.bus.Passed(ctx, stream, event.Query, id)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// Readable reads the first page of the feed as a visitor would, and returns why that
// cannot be done.
func Readable(ctx context.Context, b *bus.Bus) error {
	_, _, _, err := newStore(b).page(ctx, web.Cursor{}, previewed)
	return err
}
