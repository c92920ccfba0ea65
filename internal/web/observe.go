package web

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Served is a request that has been answered.
type Served struct {
	// Method is as the client sent it, which can be anything.
	Method string
	// Route is the path that a handler is set for, such as /posts/{id}, a prefix with
	// a * behind it, or "" if there is no such path.
	Route  string
	Status int
	Took   time.Duration
}

// WithObserver has every request told to observe when it is done, with the
// request's context. It is called from many goroutines and must be quick.
func WithObserver(observe func(context.Context, Served)) Option {
	return func(rt *Router) { rt.observe = observe }
}

// WithAround puts a handler around all that the router does.
func WithAround(around func(http.Handler) http.Handler) Option {
	return func(rt *Router) { rt.around = around }
}

// NameRoute sets the Route that is told of the request which w answers. A router
// does it by itself; it is for a handler of a prefix that knows better. There must
// be few such names.
func NameRoute(w http.ResponseWriter, route string) {
	if rec := recorderOf(w); rec != nil {
		rec.route = route
	}
}

// IsProbe reports whether r is one of the requests that come every few seconds to
// see how the service is.
func IsProbe(r *http.Request) bool {
	switch r.URL.Path {
	case "/livez", "/readyz", "/metrics":
		return true
	default:
		return false
	}
}

// IsStream reports whether r asks for server-sent events. No id is "stream", so
// what ends so is nothing else.
func IsStream(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/stream")
}
