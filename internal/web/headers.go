package web

import (
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Resource-Policy", resource)
		next.ServeHTTP(w, r)
	})
}
