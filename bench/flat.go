package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	flatLasts  = 10 * time.Minute
	flatRate   = 500 // writes a second
	flatLookAt = 5 * time.Second
)

// measureFlat writes for ten minutes and shows that no service grows: the memory
// of the last two minutes beside that of the third and fourth, when all has been
// warm for a while.
func measureFlat(ctx context.Context, s *stage) ([]*row, error) {
	y, err := s.system(ctx, everysec, 1000)
	if err != nil {
		return nil, err
	}
	var rows []*row
	const early = "minutes 3 and 4"
	for _, name := range serviceNames() {
		rows = append(rows, &row{
			Key: "flat-" + name, What: fmt.Sprintf("memory of %s in the last two of 10 minutes at %d writes/s", name, flatRate), Unit: "MiB",
			Less: true, Series: []series{{Name: newsfeed}, {Name: early}}, Bounds: []bound{most(1.1, early)},
		})
	}
	start := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	var written int
	g.Go(func() (err error) { written, err = y.writeFor(gctx, flatLasts); return err })
	g.Go(func() error {
		tick := time.NewTicker(flatLookAt)
		defer tick.Stop()
		for at := time.Since(start); at < flatLasts; at = time.Since(start) {
			select {
			case <-tick.C:
			case <-gctx.Done():
				return gctx.Err()
			}
			for i, name := range serviceNames() {
				bytes, err := y.services[name].resident()
				if err != nil {
					return err
				}
				switch mib := float64(bytes) / mebibyte; {
				case at > flatLasts*8/10:
					rows[i].add(newsfeed, mib)
				case at > flatLasts*2/10 && at <= flatLasts*4/10:
					rows[i].add(early, mib)
				}
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	approved, err := y.approved(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		r.note("%d comments were accepted, and %d were approved when the last had been", written, approved)
	}
	return rows, nil
}

// writeFor writes comments at the rate, on one post after another, and returns how
// many were accepted.
func (y *system) writeFor(ctx context.Context, lasts time.Duration) (accepted int, err error) {
	g, gctx := errgroup.WithContext(ctx)
	turns := make(chan int, flatRate)
	g.Go(func() error {
		defer close(turns)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		n := 0
		for start := time.Now(); time.Since(start) < lasts; {
			for due := int(time.Since(start).Seconds() * flatRate); n < due; n++ {
				select {
				case turns <- n:
				case <-gctx.Done():
					return gctx.Err()
				}
			}
			select {
			case <-tick.C:
			case <-gctx.Done():
				return gctx.Err()
			}
		}
		accepted = n
		return nil
	})
	for range 32 {
		g.Go(func() error {
			for n := range turns {
				if _, err := y.comment(gctx, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = g.Wait()
	return accepted, err
}
