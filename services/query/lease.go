package query

import (
	"context"
	"crypto/rand"
	_ "embed" // the script
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
)

// leaseKey names who is rebuilding. It only keeps two from doing the same work:
// what one writes that has lost it is refused by the epoch.
const leaseKey = "{query}:rebuild"

// usualLease is how long a lease outlives a holder that was killed.
const usualLease = 15 * time.Second

// ErrBusy says that the view is being rebuilt by somebody else.
var ErrBusy = errors.New("the view is being rebuilt already")

var errLeaseLost = errors.New("the lease has been lost to another rebuild")

//go:embed lua/lease.lua
var leaseLua string

// underLease runs work while nobody else does, waiting up to wait for that. The
// context of work ends if the lease is lost.
func (s *store) underLease(ctx context.Context, lease, wait time.Duration, work func(context.Context) error) error {
	token := rand.Text()
	if err := s.takeLease(ctx, token, lease, wait); err != nil {
		return err
	}
	script := redis.NewScript(leaseLua)
	keep := func(ctx context.Context, millis int64) (bool, error) {
		return script.Run(ctx, s.bus.Redis(), []string{leaseKey}, token, millis).Bool()
	}
	working, stop := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-working.Done():
				return
			case <-tick.C:
			}
			// An error is no loss yet: the lease may outlast it.
			if held, err := keep(working, lease.Milliseconds()); err == nil && !held {
				stop(errLeaseLost)
				return
			}
		}
	}()
	err := work(working)
	if cause := context.Cause(working); errors.Is(cause, errLeaseLost) {
		err = cause
	}
	stop(nil)
	<-kept
	giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = keep(giving, 0) // it ends by itself as well
	return err
}

func (s *store) takeLease(ctx context.Context, token string, lease, wait time.Duration) error {
	const again = 100 * time.Millisecond
	for deadline := time.Now().Add(wait); ; {
		err := s.bus.Do(ctx, "SET", leaseKey, token, "NX", "PX", lease.Milliseconds()).Err()
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, redis.Nil):
			return bus.Err("take the lease", err)
		case time.Now().After(deadline):
			return fmt.Errorf("%w (%s)", ErrBusy, leaseKey)
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
