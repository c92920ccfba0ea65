package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// stoppingKey is where Serve puts a context that ends when it is told to stop.
type stoppingKey struct{}

// LongLived prepares for an answer that takes as long as the client stays, such
// as server-sent events: it lifts the time limits for the request and for writing,
// and returns a context to use in place of the request's own, which ends with the
// request and as soon as the server is told to stop.
func LongLived(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc, error) {
	// net/http lifts the read limit itself once it has the whole request. A
	// writer that is no connection, as in tests, has no limit to lift.
	err := http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, nil, fmt.Errorf("lift the write time limit: %w", err)
	}
	ctx, cancel := Unhurried(r)
	stopping, ok := stoppingOf(r)
	if !ok {
		return ctx, cancel, nil
	}
	forget := context.AfterFunc(stopping, cancel)
	return ctx, func() { forget(); cancel() }, nil
}

// Stopping returns a channel that is closed when the server is told to stop, for
// a handler that waits for something and then would wait in vain.
func Stopping(r *http.Request) <-chan struct{} {
	stopping, ok := stoppingOf(r)
	if !ok {
		return nil
	}
	return stopping.Done()
}

func stoppingOf(r *http.Request) (context.Context, bool) {
	stopping, ok := r.Context().Value(stoppingKey{}).(context.Context)
	return stopping, ok
}
