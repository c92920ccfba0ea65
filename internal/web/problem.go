package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is a problem document (RFC 9457), the body of every error.
type Problem struct {
	Type      string       `json:"type"` // a stable URN such as urn:newsfeed:problem:not-found
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail,omitempty"`
	Errors    []FieldError `json:"errors,omitempty"`
	RequestID string       `json:"requestId,omitempty"`
}

// filler is an error that can say that there is no memory for what was to be written.
type filler interface{ Full() bool }

// retrier is an error that knows when it makes sense to try again.
type retrier interface{ RetryAfter() time.Duration }

// WriteError answers r with the problem document for err, and is the only place
// that does. Errors that wrap a sentinel of this package are shown. One that
// has a method RetryAfter() time.Duration in its chain is a 503 with Retry-After
// and logged as a warning, and so is that the request's time is over; any other
// is a 500 and logged as an error; none of them shows what it says. That a client
// went away is no one's error. An error with a RetryAfter whose method Full() bool
// returns true is a 503 of its own type, logged for debugging only: there may be
// thousands of them, and whoever watches the memory logs its state.
func WriteError(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	k, known := kindOf(err)
	var retry retrier
	passing := errors.As(err, &retry)
	level := slog.LevelWarn
	if passing && k.err != ErrTooMany { //nolint:errorlint // the table holds the sentinels themselves
		k, known = kindOf(errUnavailable)
		var full filler
		if errors.As(err, &full) && full.Full() {
			k, known = kindOf(errFull)
			level = slog.LevelDebug
		}
		log.Log(r.Context(), level, "unavailable", "error", err, "request_id", RequestID(r.Context()))
	}
	switch {
	case known:
	case errors.Is(err, context.DeadlineExceeded) && errors.Is(r.Context().Err(), context.DeadlineExceeded):
		k, _ = kindOf(errUnavailable)
		passing, retry = true, &retryError{err, time.Second}
		log.WarnContext(r.Context(), "took too long", "error", err, "request_id", RequestID(r.Context()))
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		// Nobody may be there to read it, but saying nothing would be a 200.
		k, _ = kindOf(errUnavailable)
		log.DebugContext(r.Context(), "the client went away", "error", err, "request_id", RequestID(r.Context()))
	default:
		k, _ = kindOf(errInternal)
		log.ErrorContext(r.Context(), "request failed", "error", err, "request_id", RequestID(r.Context()))
	}
	header := w.Header()
	if passing {
		seconds := max(1, math.Ceil(retry.RetryAfter().Seconds()))
		header.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	if k.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	writeProblem(w, problemOf(k, err, RequestID(r.Context())))
}

func problemOf(k kind, err error, requestID string) Problem {
	p := Problem{
		Type:      "urn:newsfeed:problem:" + k.typ,
		Title:     k.title,
		Status:    k.status,
		RequestID: requestID,
	}
	// What errUnavailable and errInternal hide does not wrap them: no detail.
	if _, detail, found := strings.Cut(err.Error(), k.err.Error()+": "); found && errors.Is(err, k.err) {
		p.Detail = detail
	}
	if invalid, ok := errors.AsType[*Invalid](err); ok && k.status == http.StatusBadRequest {
		p.Errors = invalid.Fields
	}
	return p
}

// writeProblem takes back what the handler said about the answer that it did
// not give, as [http.Error] does.
func writeProblem(w http.ResponseWriter, p Problem) {
	header := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Location", "Link"} {
		header.Del(name)
	}
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // strings and numbers always encode, and a client that is gone cannot be told
}
