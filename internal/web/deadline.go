package web

import (
	"context"
	"net/http"
	"time"
)

// requestTimeout is less than writeTimeout: who has waited for too long must
// still be told so.
const requestTimeout = 25 * time.Second

// WithRequestTimeout sets how long a request may take, the reading of its body
// included; the default is 25 s. Then its context ends, and the answer is 503
// with Retry-After. [LongLived] and [Unhurried] lift it.
func WithRequestTimeout(limit time.Duration) Option {
	return func(rt *Router) { rt.limit = limit }
}

// withDeadline stands behind withRequestID.
func withDeadline(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scopeOf(r.Context()).unhurried = r.Context()
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Unhurried returns the context of r without the time limit of requests, for an
// answer that is long and comes to an end, such as a list streamed whole. The
// handler sees to it that a client which does not read is not waited for.
func Unhurried(r *http.Request) (context.Context, context.CancelFunc) {
	s := scopeOf(r.Context())
	if s == nil {
		return context.WithCancel(r.Context())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	forget := context.AfterFunc(s.unhurried, cancel)
	return ctx, func() { forget(); cancel() }
}
