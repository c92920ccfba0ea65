package web

import (
	"maps"
	"net/http"
	"slices"
)

// withHeaders tells browsers to take every answer for no more than it is: data
// of the type that it says, not to be shown as a page, framed, or drawn into a
// page of elsewhere. A handler that does serve pages sets its own over them.
func withHeaders(origins []Origin, next http.Handler) http.Handler {
	// Pages of the origins read answers by CORS, to which this does not apply;
	// where everyone may do so, there is nobody to be kept from embedding them.
	resource := "same-origin"
	if slices.Contains(origins, "*") {
		resource = "cross-origin"
	}
	// All answers share these values, which costs them nothing; who sets another
	// or adds one gets a slice of its own.
	always := map[string][]string{
		"X-Content-Type-Options":       {"nosniff"},
		"Referrer-Policy":              {"no-referrer"},
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
		"Cross-Origin-Resource-Policy": {resource},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), always)
		next.ServeHTTP(w, r)
	})
}
