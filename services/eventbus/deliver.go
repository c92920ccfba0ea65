package eventbus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busotel"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

const (
	// maxAnswer is how much of an answer is read, so that the connection can be
	// used again, and maxShown how much of it goes into a dead letter.
	maxAnswer = 64 << 10
	maxShown  = 200
	// maxRetryAfter bounds how long a subscriber can make us wait.
	maxRetryAfter = time.Minute
)

// newClient returns the client for all subscribers. It keeps connections, and
// follows no redirection: that would make a GET of a POST.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     90 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// refusedError says that the subscriber wants no such event, now or later.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

// busyError says that the subscriber asks to be left alone for a while.
type busyError struct {
	why   string
	after time.Duration
}

func (e *busyError) Error() string { return e.why }

// send delivers e, trying for ever, or puts it to the subscriber's dead letters
// if that refuses it. An error means that run, or soft, has ended.
func (p *pusher) send(run, soft context.Context, e bus.Entry) error {
	body, err := encode(e.Event)
	if err != nil {
		p.log.Warn("passed over what is no event", "stream", e.Stream, "entry", e.ID.String(), "error", err)
		return nil
	}
	delay := p.times.delays()
	for attempts := 1; ; attempts++ {
		after, err := delay.NextBackOff(), p.attempt(soft, e, attempts, body)
		switch err := err.(type) { //nolint:errorlint // as post makes them
		case nil:
			p.outage.over(p)
			return nil
		case *refusedError:
			p.outage.over(p)
			return p.bury(soft, e, attempts, err)
		case *busyError:
			after = max(after, err.after)
		}
		if ended := cmp.Or(run.Err(), soft.Err()); ended != nil {
			return ended
		}
		p.outage.begin(p, err)
		pause(run, after)
		if run.Err() != nil {
			return run.Err()
		}
	}
}

// encode returns the event as it is on HTTP, or an error for an entry that
// somebody has written by hand and that is no event.
func encode(e event.Event) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// attempt delivers once, as part of the event's trace.
func (p *pusher) attempt(ctx context.Context, e bus.Entry, number int, body []byte) error {
	ctx, done := p.store.bus.Traced(ctx, bus.Work{
		Kind: bus.WorkProcess, Group: groupOf(p.sub.name()), Entry: e, Attempt: number,
	})
	trace := cmp.Or(busotel.TraceParent(ctx), e.Event.TraceParent)
	err := p.post(ctx, e.Event.ID, trace, body)
	done(err)
	return err
}

// post delivers once. nil means that the subscriber has the event.
func (p *pusher) post(ctx context.Context, id, trace string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, p.times.Delivery)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.sub.url.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "newsfeed-eventbus")
	if !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		// True, and it lets the client send again by itself what met a connection
		// that the subscriber was just closing.
		req.Header.Set("Idempotency-Key", id)
	}
	if event.ValidTraceParent(trace) {
		req.Header.Set("Traceparent", trace)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return web.WithoutURL(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status has said it all
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case refuses(res.StatusCode):
		return &refusedError{"answered " + res.Status + excerpt(text)}
	default:
		return &busyError{"answered " + res.Status, retryAfter(res.Header)}
	}
}

// refuses reports whether to try again is of no use.
func refuses(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return status >= 400 && status < 500
	}
}

// excerpt returns the beginning of an answer, fit for one line.
func excerpt(text []byte) string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, string(text[:min(len(text), maxShown)]))
	if line = strings.TrimSpace(line); line == "" {
		return ""
	}
	return ": " + line
}

func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.ParseUint(header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}

// bury puts e to the subscriber's dead letters.
func (p *pusher) bury(ctx context.Context, e bus.Entry, attempts int, why error) error {
	letter := e.Letter(groupOf(p.sub.name()))
	letter.Error, letter.Attempts, letter.Time = why.Error(), attempts, time.Now().UTC()
	if err := p.insist(ctx, func() error { return p.store.bus.Bury(ctx, letter) }); err != nil {
		return err
	}
	p.log.Error("the subscriber refused an event; it is with the dead letters",
		"id", e.ID.String(), "origin", e.Stream, "type", e.Event.Type, "event", e.Event.ID, "error", fmt.Sprint(why))
	return nil
}

// outage is a stretch of failing deliveries: one line in the log at either end.
type outage struct{ since time.Time }

func (o *outage) begin(p *pusher, err error) {
	if o.since.IsZero() {
		o.since = time.Now()
		p.log.Warn("the subscriber does not take events; trying until it does", "error", err)
	}
}

func (o *outage) over(p *pusher) {
	if !o.since.IsZero() {
		p.log.Info("the subscriber takes events again", "after", time.Since(o.since).Round(time.Millisecond))
		o.since = time.Time{}
	}
}
