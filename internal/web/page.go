package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"
)

const (
	// DefaultLimit is how many elements a page has if the caller does not say.
	DefaultLimit = 20
	// MaxLimit is the most elements that a page can have.
	MaxLimit = 100
)

// Page is the part of a list that a request asks for: at most Limit elements,
// and only those behind After. The zero After is the beginning.
type Page struct {
	Limit int
	After Cursor
}

// Query is the part of a query that says which page is asked for, always in the same
// form. Parameters that mean nothing are not in it.
func (p Page) Query() url.Values {
	query := url.Values{"limit": {strconv.Itoa(p.Limit)}}
	if !p.After.IsZero() {
		query.Set("cursor", p.After.String())
	}
	return query
}

// ParsePage reads ?limit= and ?cursor=. The error is an [Invalid].
func ParsePage(r *http.Request) (Page, error) {
	limit, err := Limit(r, DefaultLimit, MaxLimit)
	if err != nil {
		return Page{}, err
	}
	page := Page{Limit: limit}
	text, given, err := Parameter(r, "cursor")
	if err != nil || !given {
		return page, err
	}
	if page.After, err = ParseCursor(text); err != nil {
		return Page{}, err
	}
	return page, nil
}

// Limit reads ?limit=: 1 to most, or usual if there is none. The error is an
// [Invalid].
func Limit(r *http.Request, usual, most int) (int, error) {
	text, given, err := Parameter(r, "limit")
	if err != nil || !given {
		return usual, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != text {
		return 0, badParameter("limit", fmt.Sprintf("must be a whole number from 1 to %d", most))
	}
	return n, nil
}

// Parameter returns the query parameter and whether it is there. The error is
// an [Invalid] if it is there twice or the query is malformed: to take one of
// two would be a guess.
func Parameter(r *http.Request, name string) (value string, given bool, err error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", false, fmt.Errorf("%w: the query string is malformed", ErrInvalid)
	}
	values := query[name]
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
		if !utf8.ValidString(values[0]) {
			return "", false, badParameter(name, "must be valid UTF-8")
		}
		return values[0], true, nil
	default:
		return "", false, badParameter(name, "must be there once")
	}
}

func badParameter(name, detail string) error {
	return &Invalid{Fields: []FieldError{{Parameter: name, Detail: detail}}}
}

// NextLink says where the next page is, in a Link header (RFC 8288): at this
// request's address with the query parameter name set to value. The reference is
// the query alone, so that it also holds behind a proxy that shortens the path.
func NextLink(w http.ResponseWriter, r *http.Request, name, value string) {
	w.Header().Add("Link", nextLink(r.URL.Query(), name, value))
}
