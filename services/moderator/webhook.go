package moderator

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"newsfeed/internal/web"
)

const (
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 64 << 10
	// maxSkew is how far the clock of an answer may be off.
	maxSkew = 5 * time.Minute
)

// webhook sends signed messages to one URL.
type webhook struct {
	url    string
	secret web.Secret
	client *http.Client
}

func newWebhook(u HookURL, secret web.Secret, timeout time.Duration) *webhook {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer,
	}
	return &webhook{url: string(u), secret: secret, client: &http.Client{
		Transport: transport, Timeout: timeout,
		// Who answers for this URL is configured, and nobody else is asked.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// errRefused says that the other side understood and will not; asking again is no use.
var errRefused = errors.New("refused")

// send posts message as JSON and returns the answer's body with its headers and
// the id that was sent.
func (h *webhook) send(ctx context.Context, message any) (id string, header http.Header, body []byte, err error) {
	sent, err := json.Marshal(message)
	if err != nil {
		return "", nil, nil, err
	}
	id = uuid.NewString()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(sent))
	if err != nil {
		return "", nil, nil, err
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "newsfeed-moderator")
	req.Header.Set(web.WebhookID, id)
	req.Header.Set(web.WebhookTimestamp, now)
	req.Header.Set(web.WebhookSignature, web.SignWebhook(h.secret, id, now, sent))
	resp, err := h.client.Do(req)
	if err != nil {
		return "", nil, nil, web.WithoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
	case resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests:
		err = fmt.Errorf("%w: status %d", errRefused, resp.StatusCode)
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		err = fmt.Errorf("status %d", resp.StatusCode)
	case len(body) > maxAnswer:
		err = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	return id, resp.Header, body, err
}

// verify reports why an answer is not that of the other side to the message id: it
// carries the same id, so that no earlier answer can be given again.
func (h *webhook) verify(id string, header http.Header, body []byte, now time.Time) error {
	stamp := header.Get(web.WebhookTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	switch {
	case header.Get(web.WebhookID) != id:
		return errors.New("the answer is to another message")
	case err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxSkew:
		return errors.New("the answer's timestamp is not of now")
	}
	want := []byte(web.SignWebhook(h.secret, id, stamp, body))
	// There may be several, while a secret is being replaced.
	for given := range strings.FieldsSeq(header.Get(web.WebhookSignature)) {
		if hmac.Equal([]byte(given), want) {
			return nil
		}
	}
	return errors.New("the answer's signature is not right")
}

// HookURL is the http or https address of somebody who takes webhooks. Printed, it
// shows no password and no query, where some have their secret.
type HookURL string

// UnmarshalText implements encoding.TextUnmarshaler. Its error does not repeat the text.
func (u *HookURL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" {
		return errors.New("is not an address such as https://judge.example/verdict")
	}
	*u = HookURL(text)
	return nil
}

// String shows where the webhook goes and nothing that is secret.
func (u HookURL) String() string {
	parsed, err := url.Parse(string(u))
	if err != nil || u == "" {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host + parsed.Path
}
