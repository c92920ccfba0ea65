package eventbus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"newsfeed/internal/web"
)

// SubscriberList is the value of SUBSCRIBERS: http(s) URLs with commas between.
// Printed, it shows no password and no query.
type SubscriberList string

// String implements [fmt.Stringer].
func (l SubscriberList) String() string {
	subscribers, err := l.parse()
	if err != nil {
		return "***"
	}
	var shown []string
	for _, s := range subscribers {
		shown = append(shown, s.shown())
	}
	return strings.Join(shown, ",")
}

// GoString is String for %#v.
func (l SubscriberList) GoString() string { return fmt.Sprintf("%q", l.String()) }

// parse does not repeat in its error what can hold a password.
func (l SubscriberList) parse() ([]subscriber, error) {
	var all []subscriber
	if l == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(string(l), ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
			return nil, fmt.Errorf("is not a list of URLs such as http://localhost:4002/events with commas between: see number %d", len(all)+1)
		}
		s := subscriber{url: u}
		if slices.ContainsFunc(all, func(other subscriber) bool { return other.name() == s.name() }) {
			return nil, fmt.Errorf("has the URL number %d twice", len(all)+1)
		}
		all = append(all, s)
	}
	return all, nil
}

// subscriber is a foreign service that gets every event by POST.
type subscriber struct{ url *url.URL }

// name tells subscribers apart, in keys and in the group of their dead letters.
// It begins with the host, for people, and ends with a hash of the whole URL.
func (s subscriber) name() string {
	sum := sha256.Sum256([]byte(s.url.String()))
	host := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(s.url.Host))
	return host[:min(len(host), maxHost)] + "-" + hex.EncodeToString(sum[:4])
}

// maxHost bounds the part of a name that is for people.
const maxHost = 24

// shown is the URL without what can be secret.
func (s subscriber) shown() string {
	u := *s.url
	u.User, u.RawQuery = nil, ""
	if s.url.User != nil {
		u.User = url.User(s.url.User.Username())
	}
	return u.String()
}

// Validate reads SUBSCRIBERS.
func (c *Config) Validate() error {
	if _, err := c.Subscribers.parse(); err != nil {
		return &web.ConfigError{Variable: "SUBSCRIBERS", Err: err}
	}
	return nil
}
