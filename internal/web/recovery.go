package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// withRecovery answers a panic with a 500 problem and logs it with its stack.
func withRecovery(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			caught := recover()
			if caught == nil {
				return
			}
			if caught == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
				panic(caught)
			}
			log.ErrorContext(r.Context(), "panic", "panic", fmt.Sprint(caught),
				"stack", string(debug.Stack()), "request_id", RequestID(r.Context()))
			if begun(w) {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			k, _ := kindOf(errInternal)
			writeProblem(w, problemOf(k, errInternal, RequestID(r.Context())))
		}()
		next.ServeHTTP(w, r)
	})
}
