package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/handlers"
)

// Origin is a web origin as browsers send it, such as http://localhost:3000, or
// * for all of them. Tokens travel in a header that only the page itself can
// set, so * gives nobody another's rights.
type Origin string

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Origin) UnmarshalText(text []byte) error {
	s := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(string(text))), "/")
	u, err := url.Parse(s)
	isOrigin := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && s == u.Scheme+"://"+u.Host
	if s != "*" && !isOrigin {
		return errors.New("is not an origin such as http://localhost:3000, nor *")
	}
	*o = Origin(s)
	return nil
}

// withCORS lets pages of the origins read answers. Requests that are no
// preflight, OPTIONS among them, reach next in any case.
func withCORS(origins []Origin, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	allowed := make([]string, len(origins))
	for i, o := range origins {
		allowed[i] = string(o)
	}
	all := slices.Contains(allowed, "*")
	cors := handlers.CORS(
		handlers.AllowedOrigins(allowed),
		handlers.AllowedMethods([]string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete}),
		handlers.AllowedHeaders([]string{
			"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", requestIDHeader}),
		handlers.ExposedHeaders([]string{"ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", requestIDHeader}),
		handlers.OptionStatusCode(http.StatusNoContent),
		handlers.MaxAge(600),
	)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !all {
			// A cache must not give one origin what was said to another, or to none.
			w.Header().Add("Vary", "Origin")
		}
		preflight := r.Header.Get("Access-Control-Request-Method") != "" &&
			(all || slices.Contains(allowed, r.Header.Get("Origin")))
		if r.Method == http.MethodOptions && !preflight {
			next.ServeHTTP(w, r)
			return
		}
		cors.ServeHTTP(w, r)
	})
}
