package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// statusClientGone stands in the log where a client left before its answer.
const statusClientGone = 499

// withAccessLog writes one line per request when it is done, also if it panics.
// Probes come every few seconds and are of interest only when debugging.
func withAccessLog(log *slog.Logger, observe func(context.Context, Served), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			served := Served{Method: r.Method, Route: rec.route, Status: rec.logged(r), Took: time.Since(start)}
			observe(r.Context(), served)
			level := slog.LevelInfo
			if IsProbe(r) {
				level = slog.LevelDebug
			}
			log.LogAttrs(r.Context(), level, "request",
				slog.String("method", r.Method),
				slog.String("path", r.URL.Path), // the query can hold what is not for the log
				slog.Int("status", served.Status),
				slog.Int64("bytes", rec.bytes),
				slog.Duration("duration", served.Took),
				slog.String("request_id", RequestID(r.Context())))
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers what was answered. http.NewResponseController finds the
// writer below through Unwrap; Flush is here for those who ask for http.Flusher.
type recorder struct {
	http.ResponseWriter
	status int // 0 until the header is written
	bytes  int64
	route  string       // see NameRoute
	body   *requestBody // nil if the request has none
}

func (rec *recorder) WriteHeader(status int) {
	// 1xx announce the answer and do not begin it.
	if status >= http.StatusOK {
		rec.begin(status)
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(p []byte) (int, error) {
	rec.begin(http.StatusOK)
	n, err := rec.ResponseWriter.Write(p)
	rec.bytes += int64(n)
	return n, err
}

// begin is called before the header is written.
func (rec *recorder) begin(status int) {
	if rec.status == 0 {
		rec.status = status
		closeIfUnread(rec.Header(), rec.body)
	}
}

// Flush implements [http.Flusher].
func (rec *recorder) Flush() {
	// An error here is that of the connection, which the next Write reports.
	_ = rec.FlushError()
}

// FlushError is what [http.ResponseController] calls.
func (rec *recorder) FlushError() error {
	rec.begin(http.StatusOK)
	return http.NewResponseController(rec.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

func (rec *recorder) logged(r *http.Request) int {
	switch {
	case r.Context().Err() != nil && (rec.status == 0 || rec.status >= http.StatusInternalServerError):
		return statusClientGone
	case rec.status == 0:
		return http.StatusOK // what net/http sends for a handler that said nothing
	default:
		return rec.status
	}
}

// begun reports whether an answer is under way on w.
func begun(w http.ResponseWriter) bool {
	rec := recorderOf(w)
	return rec != nil && rec.status != 0
}

// recorderOf returns the recorder at or below w, nil if there is none.
func recorderOf(w http.ResponseWriter) *recorder {
	for {
		if rec, ok := w.(*recorder); ok {
			return rec
		}
		under, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = under.Unwrap()
	}
}
