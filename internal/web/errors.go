package web

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// The errors that a handler wraps to be answered with other than 500. The text
// behind "%w: " becomes the problem's detail, so it must be fit to be read by
// anyone.
var (
	ErrInvalid       = errors.New("invalid request")         // 400; see also [Invalid]
	ErrUnauthorized  = errors.New("unauthorized")            // 401, with WWW-Authenticate
	ErrForbidden     = errors.New("forbidden")               // 403
	ErrNotFound      = errors.New("not found")               // 404
	ErrMethod        = errors.New("method not allowed")      // 405
	ErrSlow          = errors.New("request timeout")         // 408
	ErrConflict      = errors.New("conflict")                // 409
	ErrPrecondition  = errors.New("precondition failed")     // 412
	ErrTooLarge      = errors.New("content too large")       // 413
	ErrMediaType     = errors.New("unsupported media type")  // 415
	ErrRange         = errors.New("range not satisfiable")   // 416
	ErrUnprocessable = errors.New("unprocessable content")   // 422
	ErrTooMany       = errors.New("too many requests")       // 429; see [RetryIn]
	ErrNotReady      = errors.New("not ready")               // 503
	errFull          = errors.New("storage full")            // 503, for errors with Full() true
	ErrNotYet        = errors.New("not yet visible")         // 504
	errInternal      = errors.New("internal server error")   // 500, what an unknown error is shown as
	errUnavailable   = errors.New("temporarily unavailable") // 503, for errors with a RetryAfter
)

// kind is how one sentinel is answered.
type kind struct {
	err    error
	status int
	typ    string // the last part of the problem's type
	title  string
}

// kinds is the one table from an error to its answer. The types are part of
// the API: they are added to and never changed.
var kinds = []kind{
	{ErrInvalid, http.StatusBadRequest, "invalid", "The request is not valid"},
	{ErrUnauthorized, http.StatusUnauthorized, "unauthorized", "A valid token is needed"},
	{ErrForbidden, http.StatusForbidden, "forbidden", "This is not allowed"},
	{ErrNotFound, http.StatusNotFound, "not-found", "There is nothing here"},
	{ErrMethod, http.StatusMethodNotAllowed, "method-not-allowed", "This method is not allowed here"},
	{ErrSlow, http.StatusRequestTimeout, "request-timeout", "The request took too long to arrive"},
	{ErrConflict, http.StatusConflict, "conflict", "The request conflicts with the present state"},
	{ErrPrecondition, http.StatusPreconditionFailed, "precondition-failed", "It has changed since"},
	{ErrTooLarge, http.StatusRequestEntityTooLarge, "too-large", "The body is too large"},
	{ErrMediaType, http.StatusUnsupportedMediaType, "media-type", "The body must be application/json"},
	{ErrRange, http.StatusRequestedRangeNotSatisfiable, "range", "There is no such part"},
	{ErrUnprocessable, http.StatusUnprocessableEntity, "unprocessable", "The request cannot be carried out"},
	{ErrTooMany, http.StatusTooManyRequests, "too-many-requests", "Too many requests"},
	{ErrNotReady, http.StatusServiceUnavailable, "not-ready", "The service is not ready"},
	{errFull, http.StatusServiceUnavailable, "storage-full", "There is no room for new texts at the moment"},
	{ErrNotYet, http.StatusGatewayTimeout, "not-yet-visible", "It is not visible yet"},
	{errUnavailable, http.StatusServiceUnavailable, "unavailable", "The service is temporarily unavailable"},
	{errInternal, http.StatusInternalServerError, "internal", "Something went wrong on our side"},
}

// kindOf finds how err is answered, and false when it wraps none of the sentinels.
func kindOf(err error) (kind, bool) {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k, true
		}
	}
	return kind{}, false
}

// FieldError says what is wrong with one part of a request: a member of the
// body, named by its JSON pointer (RFC 6901, such as "/title"), or a query
// parameter or header, named as it is.
type FieldError struct {
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
	Header    string `json:"header,omitempty"`
	Detail    string `json:"detail"`
}

// Invalid is an [ErrInvalid] that names every part of the request that is wrong.
type Invalid struct {
	Fields []FieldError
}

// Error implements error.
func (e *Invalid) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Pointer + f.Parameter + f.Header + " " + f.Detail
	}
	return ErrInvalid.Error() + ": " + strings.Join(parts, "; ")
}

// Unwrap makes errors.Is(err, ErrInvalid) hold.
func (e *Invalid) Unwrap() error { return ErrInvalid }

type retryError struct {
	err   error
	after time.Duration
}

func (e *retryError) Error() string             { return e.err.Error() }
func (e *retryError) Unwrap() error             { return e.err }
func (e *retryError) RetryAfter() time.Duration { return e.after }

// RetryIn marks err as passing: it is answered with 503 and Retry-After, or
// with 429 and Retry-After if it wraps [ErrTooMany]. Of a 503 only the log
// learns what err says.
func RetryIn(after time.Duration, err error) error { return &retryError{err, after} }
