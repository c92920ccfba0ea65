package eventbus

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxAnswer is how much of an answer is read, so that the connection can be
	// used again, and maxShown how much of it goes into a dead letter.
	maxAnswer = 64 << 10
	maxShown  = 200
	// maxRetryAfter bounds how long a subscriber can make us wait.
	maxRetryAfter = time.Hour
)

// errGone says that the subscriber has ended its subscription (410).
var errGone = errors.New("answered 410 Gone")

// refusedError says that the subscriber wants no such event, now or later.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

// troubleError says that the subscriber cannot take events at present, which says
// nothing about the event.
type troubleError struct {
	why   string
	after time.Duration // as its Retry-After has it
	// state is how the subscriber is shown while this lasts: pushResting if trying
	// often is of no use.
	state pushState
}

func (e *troubleError) Error() string { return e.why }

// verdictOf returns what an answer means for the event; nil if it was taken.
func verdictOf(res *http.Response, text []byte, now time.Time) error {
	// The reason of the status line is the subscriber's own text; it is not used.
	says := strings.TrimSpace(fmt.Sprintf("answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))) + excerpt(text)
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusGone:
		return fmt.Errorf("%w%s", errGone, excerpt(text))
	case aboutEvent(res.StatusCode):
		return &refusedError{says}
	default:
		return &troubleError{says, retryAfter(res.Header, now), pushResting}
	}
}

// aboutEvent reports whether a status says that the event itself is not wanted. The
// others say that the subscriber, its address or its credentials are not in order.
func aboutEvent(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusMisdirectedRequest,
		http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return status >= 400 && status < 500
	}
}

// excerpt returns the beginning of an answer, fit for one line.
func excerpt(text []byte) string {
	line := clean(string(text[:min(len(text), maxShown)]))
	if line == "" {
		return ""
	}
	return ": " + line
}

// clean makes one line of a foreign text that no terminal takes for a command.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text))
}

// retryAfter reads the header: seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
