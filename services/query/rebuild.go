package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
)

// Step says how far a rebuild or a verification has come.
type Step struct {
	Doing       string // "folded", "compared", "deleted"
	Done, Total int64  // entries, or keys; a Total of 0 is not known
	// Behind is set when a verification finds that the service has not folded all
	// that it should, and waits for it or knows that this would be in vain.
	Behind *Behind
}

// Behind is how far the service is behind.
type Behind struct {
	Entries int64
	Paused  *bus.Pause    // nil unless an operator lets it rest: then it is not waited for
	Wait    time.Duration // at most
}

// Rebuilt is what a rebuild did.
type Rebuilt struct {
	Generation int           `json:"generation"` // that is read now
	Replaced   int           `json:"replaced"`   // that was read before
	Entries    int64         `json:"entries"`    // folded
	Folding    time.Duration `json:"folding"`
	Verifying  time.Duration `json:"verifying"`
	Checked    Report        `json:"checked"` // what the verification saw before the swap
}

// DifferentError says that a generation that was made is not what the streams
// say, so that it was not put in the place of the one that is read.
type DifferentError struct{ Report Report }

// Error implements error.
func (e *DifferentError) Error() string {
	return fmt.Sprintf("generation %d is not what the streams say; the view stays as it was", e.Report.Generation)
}

// Rebuild makes the view anew beside the one that is read, verifies it and puts
// it in its place, while reads and writes go on. It needs no service to run. One
// that was broken off, however that came, is cleared up first. progress is called
// from one goroutine at a time.
//
// Errors: [ErrBusy] if another rebuild lives, [DifferentError], and whatever Redis
// says. After an error the view is what it was, unless the error says that the new
// one is read.
func Rebuild(ctx context.Context, b *bus.Bus, progress func(Step)) (Rebuilt, error) {
	return newStore(b).rebuild(ctx, usualLease, progress)
}

func (s *store) rebuild(ctx context.Context, lease time.Duration, progress func(Step)) (Rebuilt, error) {
	// To wait is for one that was killed to be forgotten.
	always := func(context.Context) (bool, error) { return true, nil }
	return s.rebuildOnce(ctx, lease, lease+lease/4, progress, always)
}

// rebuildOnce rebuilds if that is still needed once nobody else does.
func (s *store) rebuildOnce(
	ctx context.Context, lease, wait time.Duration, progress func(Step), needed func(context.Context) (bool, error),
) (Rebuilt, error) {
	var done Rebuilt
	err := s.underLease(ctx, lease, wait, func(ctx context.Context) error {
		if need, err := needed(ctx); err != nil || !need {
			return err
		}
		if err := s.tidy(ctx, progress); err != nil {
			return err
		}
		r, err := s.register(ctx)
		if err != nil {
			return err
		}
		if done, err = s.replace(ctx, r, progress); err != nil {
			s.abandon(ctx, r.Next.Number)
			if errors.Is(err, bus.ErrGuard) {
				err = fmt.Errorf("%w: %w", errLeaseLost, err)
			}
			return err
		}
		if err := s.tidy(ctx, progress); err != nil {
			return fmt.Errorf("generation %d is read now, but the old one is not all deleted: %w", done.Generation, err)
		}
		return nil
	})
	return done, err
}

// register begins a generation. From here on every event goes into it as well.
func (s *store) register(ctx context.Context) (registry, error) {
	return s.changeRegistry(ctx, func(r *registry) error {
		if r.Next != nil {
			return fmt.Errorf("%w: generation %d is being made", ErrBusy, r.Next.Number)
		}
		r.Last++
		r.Next = &generation{Number: r.Last, Schema: s.schema}
		return nil
	})
}

// replace fills the next generation of r, verifies it and has it read.
func (s *store) replace(ctx context.Context, r registry, progress func(Step)) (Rebuilt, error) {
	next := view{number: r.Next.Number, epoch: r.Epoch, filling: true}
	done := Rebuilt{Generation: next.number, Replaced: r.Live.Number}
	// Noted after registering. An event that only the old generation got was
	// folded before that, so it stood in its stream before that: it is history.
	upTo, err := s.ends(ctx)
	if err != nil {
		return done, err
	}
	total, err := s.length(ctx)
	if err != nil {
		return done, err
	}
	began := time.Now()
	err = s.fill(ctx, next, upTo, func(entries int) {
		done.Entries += int64(entries)
		progress(Step{Doing: "folded", Done: done.Entries, Total: total})
	})
	if err != nil {
		return done, err
	}
	done.Folding = time.Since(began)
	began = time.Now()
	if done.Checked, err = s.verify(ctx, next, upTo, progress); err != nil {
		return done, err
	}
	done.Verifying = time.Since(began)
	if !done.Checked.Clean() {
		if now, err := s.peekRegistry(ctx); err != nil || now.Epoch != r.Epoch {
			return done, errors.Join(errLeaseLost, err) // no wonder
		}
		return done, &DifferentError{done.Checked}
	}
	_, err = s.changeRegistry(ctx, func(r *registry) error {
		if r.Next == nil || r.Next.Number != next.number {
			return errLeaseLost
		}
		r.Gone = append(r.Gone, r.Live.Number)
		r.Live, r.Next = *r.Next, nil
		r.note = replaced()
		return nil
	})
	return done, err
}

// abandon takes a generation off the list that will not be read. If that fails,
// the next rebuild does it.
func (s *store) abandon(ctx context.Context, number int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_, _ = s.changeRegistry(ctx, func(r *registry) error {
		if r.Next == nil || r.Next.Number != number {
			return errLeaseLost
		}
		r.Gone = append(r.Gone, number)
		r.Next = nil
		return nil
	})
}

// tidy takes off the list what a rebuild that died was making, and deletes the
// keys of all that is off the list. Nobody writes there any more: the epoch has
// changed, and no number is given twice. Needs the lease.
func (s *store) tidy(ctx context.Context, progress func(Step)) error {
	r, err := s.loadRegistry(ctx)
	if err != nil {
		return err
	}
	if r.Next != nil {
		r, err = s.changeRegistry(ctx, func(r *registry) error {
			if r.Next != nil {
				r.Gone = append(r.Gone, r.Next.Number)
				r.Next = nil
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(r.Gone) == 0 {
		return nil
	}
	deleted := int64(0)
	for _, number := range r.Gone {
		err := s.scan(ctx, view{number: number}.prefix(), func(keys []string) error {
			deleted += int64(len(keys))
			progress(Step{Doing: "deleted", Done: deleted})
			return bus.Err("delete an old generation", s.bus.Redis().Unlink(ctx, keys...).Err())
		})
		if err != nil {
			return err
		}
	}
	_, err = s.changeRegistry(ctx, func(now *registry) error {
		now.Gone = slices.DeleteFunc(now.Gone, func(n int) bool { return slices.Contains(r.Gone, n) })
		return nil
	})
	return err
}

// scanCount is how many keys Redis looks at before it does something else.
const scanCount = 500

// scan calls each with the keys that begin so, some at a time, some perhaps twice.
func (s *store) scan(ctx context.Context, prefix string, each func(keys []string) error) error {
	node := redis.Cmdable(s.bus.Redis())
	if cluster, ok := node.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, gensKey)
		if err != nil {
			return bus.Err("find the view's node", err)
		}
		node = master
	}
	for cursor := uint64(0); ; {
		keys, next, err := node.Scan(ctx, cursor, prefix+"*", scanCount).Result()
		if err != nil {
			return bus.Err("scan "+prefix, err)
		}
		if len(keys) > 0 {
			if err := each(keys); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
