package web

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// hidden is shown in place of a secret.
const hidden = "***"

// Secret is a configured text that is hidden wherever it is printed, logged or
// encoded. Convert it to string to use it.
type Secret string

// String hides the text, but shows whether there is one.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString is String for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String for JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// RedisURL is redis://[user:password@]host[:port][/db], rediss:// for TLS, or a
// comma-separated list of them for a cluster. Printed, it shows no password;
// convert it to string to use it.
type RedisURL string

// UnmarshalText implements encoding.TextUnmarshaler. Its error does not repeat
// the text, which can hold a password.
func (u *RedisURL) UnmarshalText(text []byte) error {
	for one := range strings.SplitSeq(string(text), ",") {
		parsed, err := url.Parse(strings.TrimSpace(one))
		if err != nil || !slices.Contains([]string{"redis", "rediss"}, parsed.Scheme) || parsed.Hostname() == "" {
			return errors.New("is not redis://host:port or rediss://host:port, or a list of them with commas between")
		}
	}
	*u = RedisURL(text)
	return nil
}

// String hides every password: that of the user and that in the query, which
// clients take as well.
func (u RedisURL) String() string {
	var shown []string
	for one := range strings.SplitSeq(string(u), ",") {
		parsed, err := url.Parse(strings.TrimSpace(one))
		if err != nil {
			shown = append(shown, hidden)
			continue
		}
		if _, has := parsed.User.Password(); has {
			parsed.User = url.UserPassword(parsed.User.Username(), hidden)
		}
		if query := parsed.Query(); query.Has("password") {
			query.Set("password", hidden)
			parsed.RawQuery = query.Encode()
		}
		// Escaped, the stars would not be known for what they are.
		shown = append(shown, strings.ReplaceAll(parsed.String(), url.QueryEscape(hidden), hidden))
	}
	return strings.Join(shown, ",")
}

// GoString is String for %#v.
func (u RedisURL) GoString() string { return fmt.Sprintf("%q", u.String()) }

// MarshalText is String for JSON and the like.
func (u RedisURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// WithoutURL returns what went wrong with a request that an [net/http.Client] made,
// without the URL that it puts around it: its path and query can hold what is secret.
func WithoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
