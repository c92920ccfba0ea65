package web

import (
	"context"
	"net/http"
	"regexp"

	"github.com/google/uuid"
)

const requestIDHeader = "X-Request-Id"

// sane is what a request id may look like: nothing that could break out of a
// log line or a header.
var sane = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// scope is what the router knows of a request. It hangs on the context once, and
// the router's own handlers fill it in before others see it: a context and a copy
// of the request for each would be much of what a short request costs.
type scope struct {
	id        string
	from      client
	router    *Router
	unhurried context.Context // without the time limit; see Unhurried
	leave     func()          // see leaveService
}

type scopeKey struct{}

// scopeOf returns the scope of a request, nil without a router.
func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

// RequestID returns the id of the request that ctx belongs to, "" if it belongs
// to none.
func RequestID(ctx context.Context) string {
	if s := scopeOf(ctx); s != nil {
		return s.id
	}
	return ""
}

// withRequestID takes over the caller's X-Request-Id or makes one, and echoes it.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &scope{id: r.Header.Get(requestIDHeader)}
		if !sane.MatchString(s.id) {
			s.id = uuid.NewString()
		}
		w.Header().Set(requestIDHeader, s.id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), scopeKey{}, s)))
	})
}
