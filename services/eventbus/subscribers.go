package eventbus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
type subscriber struct {
	url     *url.URL
	secrets []web.Secret // all of them sign; none, and nothing is signed
}

// sign sets the headers of a signed message.
func (s subscriber) sign(header http.Header, id string, now time.Time, body []byte) {
	if len(s.secrets) == 0 {
		return
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, secret := range s.secrets {
		signatures = append(signatures, web.SignWebhook(secret, id, timestamp, body))
	}
	header.Set(web.WebhookID, id)
	header.Set(web.WebhookTimestamp, timestamp)
	header.Set(web.WebhookSignature, strings.Join(signatures, " "))
}

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

// subscribers returns the subscribers with their secrets.
func (c *Config) subscribers() ([]subscriber, error) {
	all, err := c.Subscribers.parse()
	if err != nil {
		return nil, &web.ConfigError{Variable: "SUBSCRIBERS", Err: err}
	}
	lists, err := parseSecrets(string(c.SubscriberSecrets))
	if err == nil && len(lists) > 1 && len(lists) != len(all) {
		err = fmt.Errorf("has %d entries for %d addresses in SUBSCRIBERS: give one for each, or one for all", len(lists), len(all))
	}
	if err != nil {
		return nil, &web.ConfigError{Variable: "SUBSCRIBER_SECRETS", Err: err}
	}
	for i := range all {
		switch len(lists) {
		case 0:
		case 1:
			all[i].secrets = lists[0]
		default:
			all[i].secrets = lists[i]
		}
	}
	return all, nil
}

// parseSecrets reads SUBSCRIBER_SECRETS: an entry for each subscriber, with commas
// or line ends between, and in each the secrets with spaces between.
func parseSecrets(text string) (lists [][]web.Secret, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	text = strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n", ",")
	for entry := range strings.SplitSeq(text, ",") {
		var secrets []web.Secret
		for secret := range strings.FieldsSeq(entry) {
			if len(secret) < web.MinToken {
				return nil, fmt.Errorf("must have %d bytes or more in each secret", web.MinToken)
			}
			secrets = append(secrets, web.Secret(secret))
		}
		if len(secrets) == 0 {
			return nil, fmt.Errorf("has no secret in entry %d", len(lists)+1)
		}
		lists = append(lists, secrets)
	}
	return lists, nil
}

// Validate reads SUBSCRIBERS and SUBSCRIBER_SECRETS.
func (c *Config) Validate() error {
	_, err := c.subscribers()
	return err
}
