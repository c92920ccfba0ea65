package query

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"newsfeed/internal/bus"
)

// keeper sees to it that the view is of this release's schema version, and that
// nothing is left of a rebuild that died: what it had registered would be written
// to for ever. Of all replicas the one that gets the lease does the work.
type keeper struct {
	store *store
	log   *slog.Logger
	lease time.Duration
	every time.Duration
}

const (
	usualKeep   = 10 * time.Second
	sayProgress = 10 * time.Second
)

func newKeeper(s *store, log *slog.Logger) *keeper {
	return &keeper{store: s, log: log, lease: usualLease, every: usualKeep}
}

// run looks now and then, until ctx ends.
func (k *keeper) run(ctx context.Context) error {
	tick := time.NewTicker(k.every)
	defer tick.Stop()
	for failing := false; ; {
		err := k.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil, errors.Is(err, ErrBusy):
			failing = false
		case bus.Unavailable(err): // others say so
		case !failing:
			k.log.Error("the view cannot be kept in order; trying again", "error", err)
			failing = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (k *keeper) look(ctx context.Context) error {
	r, err := k.store.peekRegistry(ctx)
	switch {
	case err != nil:
		return err
	case r.Live.Schema < k.store.schema && r.newest() <= k.store.schema:
		return k.rebuild(ctx, r.Live.Schema)
	case r.Next != nil || len(r.Gone) > 0:
		return k.store.underLease(ctx, k.lease, 0, func(ctx context.Context) error {
			k.log.Info("clearing up what a rebuild has left", "generations", r.Gone, "unfinished", r.Next != nil)
			return k.store.tidy(ctx, func(Step) {})
		})
	}
	return nil
}

func (k *keeper) rebuild(ctx context.Context, was int) error {
	log := k.log.With("schema", k.store.schema)
	said := time.Now()
	begun := false
	done, err := k.store.rebuildOnce(ctx, k.lease, 0, func(s Step) {
		if !begun {
			log.Info("the view is of an older schema version; making it anew beside it", "was", was)
			begun = true
		}
		if time.Since(said) >= sayProgress {
			log.Info("making the view anew", s.Doing, s.Done, "of", s.Total)
			said = time.Now()
		}
	}, k.outdated)
	if err == nil && done.Generation > 0 {
		log.Info("the view has been made anew", "entries", done.Entries, "took", (done.Folding + done.Verifying).Round(time.Millisecond))
	}
	return err
}

// outdated reports whether the view is still of an older schema version, asked
// once nobody else can be changing that.
func (k *keeper) outdated(ctx context.Context) (bool, error) {
	r, err := k.store.peekRegistry(ctx)
	return err == nil && r.Live.Schema < k.store.schema, err
}
