package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"newsfeed/internal/event"
)

// Handler answers a request or returns why it could not; see [WriteError].
// Once it has begun to write, an error cuts the connection, so that half an
// answer is not taken for a whole one.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Router finds the handler of a request and does for all of them what they
// have in common: the headers of a careful answer, request id, client address,
// access log, recovery, CORS, a time limit, and problem documents for unknown
// paths and methods. It never redirects. Add all routes before it serves.
type Router struct {
	log     *slog.Logger
	outages *slog.Logger // for what may befall every request
	mux     *mux.Router
	paths   map[string]resource
	origins []Origin
	proxies []Proxy
	limit   time.Duration
	// attempts counts wrong tokens.
	attempts *attempts
	observe  func(context.Context, Served)
	around   func(http.Handler) http.Handler
	chain    http.Handler

	inService *inService
	crowds    *Crowds
}

// Option changes what [NewRouter] makes.
type Option func(*Router)

// WithCORS lets pages of these origins call the routes; see [Origin].
func WithCORS(origins []Origin) Option {
	return func(rt *Router) { rt.origins = origins }
}

// NewRouter returns a router that has no routes yet.
func NewRouter(log *slog.Logger, opts ...Option) *Router {
	// An encoded slash in an id must not make a path of more parts.
	rt := &Router{
		log: log, outages: slog.New(newSeldom(log.Handler())),
		mux: mux.NewRouter().SkipClean(true).UseEncodedPath(), paths: map[string]resource{}, limit: requestTimeout,
		inService: newInService(DefaultConnections), crowds: NewCrowds(), attempts: newAttempts(),
		observe: func(context.Context, Served) {}, around: func(h http.Handler) http.Handler { return h },
	}
	for _, opt := range opts {
		opt(rt)
	}
	rt.mux.NotFoundHandler = rt.answer(func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("%w: no such path", ErrNotFound)
	})
	rt.chain = rt.around(withHeaders(rt.origins, withRequestID(rt.withRouter(rt.withClient(
		withAccessLog(log, rt.observe, withRecovery(log, rt.bound(withCORS(rt.origins, withDeadline(rt.limit, rt.mux))))))))))
	return rt
}

// withRouter has each request know its router. It stands behind withRequestID.
func (rt *Router) withRouter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scopeOf(r.Context()).router = rt
		next.ServeHTTP(w, r)
	})
}

// Handle sets the handler for a method and a path, in which {name} stands for
// any one part; see [ID]. The handler of GET also serves HEAD. Of two paths that
// match, the one set first is taken: /posts/stream goes before /posts/{id}.
func (rt *Router) Handle(method, path string, h Handler) {
	res, ok := rt.paths[path]
	if !ok {
		res = resource{}
		rt.paths[path] = res
		rt.mux.Handle(path, rt.answer(func(w http.ResponseWriter, r *http.Request) error {
			NameRoute(w, path)
			return res.serve(w, r)
		}))
	}
	res[method] = h
}

// Routes lists the routes that Handle has set, such as "GET /posts", sorted.
func (rt *Router) Routes() []string {
	var all []string
	for path, res := range rt.paths {
		for method := range res {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// HandlePrefix sets the handler for every method and every path that begins with
// prefix and that no route set before takes.
func (rt *Router) HandlePrefix(prefix string, h Handler) {
	rt.mux.PathPrefix(prefix).Handler(rt.answer(func(w http.ResponseWriter, r *http.Request) error {
		NameRoute(w, prefix+"*")
		return h(w, r)
	}))
}

// ServeHTTP implements [http.Handler].
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { rt.chain.ServeHTTP(w, r) }

// answer turns h into an http.Handler that answers with h's error.
func (rt *Router) answer(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		if begun(w) {
			if r.Context().Err() == nil {
				rt.log.ErrorContext(r.Context(), "answer broken off", "error", err, "request_id", RequestID(r.Context()))
			}
			panic(http.ErrAbortHandler)
		}
		WriteError(w, r, rt.outages, err)
	})
}

// resource is what one path offers: a handler per method. The router's own
// choice by method cannot say in 405 which methods there are.
type resource map[string]Handler

func (res resource) serve(w http.ResponseWriter, r *http.Request) error {
	method := r.Method
	if method == http.MethodHead && res[method] == nil {
		method = http.MethodGet
	}
	if h := res[method]; h != nil {
		return h(w, r)
	}
	w.Header().Set("Allow", res.allow())
	if method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return fmt.Errorf("%w: %s has %s", ErrMethod, r.URL.Path, res.allow())
}

func (res resource) allow() string {
	methods := []string{http.MethodOptions}
	for method := range res {
		methods = append(methods, method)
		if method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}

// ID returns the part of the path that {name} stands for. The error wraps
// [ErrNotFound] if nothing can have that id.
func ID(r *http.Request, name string) (string, error) {
	id, err := url.PathUnescape(mux.Vars(r)[name])
	if err != nil || !event.ValidID(id) {
		return "", fmt.Errorf("%w: %.140q is not an id", ErrNotFound, id)
	}
	return id, nil
}
