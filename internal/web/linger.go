package web

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Linger returns a context that ends d after ctx, for a service that is one of
// several behind a load balancer. In between it works on as ever, and lets those
// who send requests go elsewhere: /readyz says no, and every answer closes its
// connection, so that no request is under way on one when that ends. Call the
// function when nobody uses the context any more.
func Linger(ctx context.Context, probes *Probes, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	lingering, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		probes.Drain()
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			end()
		case <-lingering.Done():
		}
	})
	return lingering, func() { stop(); end() }
}

// dismissing closes the connection of every request that comes while p drains.
func (p *Probes) dismissing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Delay is a duration from nothing to a minute.
type Delay time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Delay) UnmarshalText(text []byte) error {
	n, err := time.ParseDuration(string(text))
	if err != nil || n < 0 || n > time.Minute {
		return errors.New("is not a duration from 0s to 1m, such as 5s")
	}
	*d = Delay(n)
	return nil
}

// String is the duration such as 5s.
func (d Delay) String() string { return time.Duration(d).String() }
