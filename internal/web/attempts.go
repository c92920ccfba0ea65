package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Limits on wrong tokens of one client network. A valid token is always accepted,
// since others may share the network with whoever guesses; with tokens of 16 random
// bytes nothing can be guessed, so the limit bounds cost and noise.
const (
	wrongTokensAtOnce = 30
	wrongTokenEvery   = 2 * time.Second
	// maxNetworks bounds the memory. Beyond it all other networks count as one.
	maxNetworks = 10_000
)

// attempts counts the wrong tokens of each client network.
type attempts struct {
	now     func() time.Time
	observe func(ctx context.Context, limited bool)

	mu sync.Mutex
	at map[string]time.Time // when a network will have its whole quota again
}

func newAttempts() *attempts {
	return &attempts{now: time.Now, observe: func(context.Context, bool) {}, at: map[string]time.Time{}}
}

// WithWrongTokens has every wrong token told to observe, with the request's
// context. limited says that the network had brought too many of them.
func WithWrongTokens(observe func(ctx context.Context, limited bool)) Option {
	return func(rt *Router) { rt.attempts.observe = observe }
}

// add counts one wrong token of a network. If there are too many, it returns when
// the next one is permitted.
func (a *attempts) add(network string) (wait time.Duration) {
	const quota = wrongTokensAtOnce * wrongTokenEvery
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.at[network]; !known && len(a.at) >= maxNetworks {
		for n, whole := range a.at {
			if !whole.After(now) {
				delete(a.at, n)
			}
		}
		if len(a.at) >= maxNetworks {
			network = ""
		}
	}
	whole := a.at[network]
	if whole.Before(now) {
		whole = now
	}
	whole = whole.Add(wrongTokenEvery)
	if over := whole.Sub(now) - quota; over > 0 {
		return over
	}
	a.at[network] = whole
	return 0
}

// wrongToken counts the wrong token that r brings, and returns err, or an
// [ErrTooMany] if its network has brought too many.
func wrongToken(r *http.Request, err error) error {
	s := scopeOf(r.Context())
	if s == nil || s.router == nil {
		return err
	}
	network := ClientNet(r)
	wait := s.router.attempts.add(network)
	s.router.attempts.observe(r.Context(), wait > 0)
	s.router.outages.WarnContext(r.Context(), "wrong token", "client", network, "method", r.Method, "path", r.URL.Path,
		"limited", wait > 0, "request_id", s.id)
	if wait > 0 {
		return RetryIn(wait, fmt.Errorf("%w: too many wrong tokens from this network; a valid one is accepted at any time", ErrTooMany))
	}
	return err
}
