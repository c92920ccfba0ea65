package eventbus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busotel"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
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

			MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send delivers e, trying for ever, or puts it to the subscriber's dead letters
// if that refuses it. An error means that run, or soft, or the subscription has
// ended.
func (p *pusher) send(run, soft context.Context, e bus.Entry) error {
	body, err := pushed(e.Event)
	if err != nil {
		p.log.Warn("passed over what is no event", "stream", e.Stream, "entry", e.ID.String(), "error", err)
		return nil
	}
	delay := p.times.delays()
	for attempts := 1; ; attempts++ {
		err := p.attempt(soft, e, attempts, body)
		if refused, ok := errors.AsType[*refusedError](err); ok {
			err = p.bury(soft, e, attempts, refused)
		}
		switch {
		case err == nil:
			p.health.works(soft)
			return nil
		case errors.Is(err, errGone):
			p.health.ended(soft, err)
			return err
		}
		if ended := cmp.Or(run.Err(), soft.Err()); ended != nil {
			return ended
		}
		if errors.Is(err, errNotHolder) {
			return err
		}
		pause(run, p.health.failed(soft, err, delay.NextBackOff(), p.times.Rest))
		if run.Err() != nil {
			return run.Err()
		}
	}
}

// pushed returns the event as subscribers get it: without what identifies a client.
func pushed(e event.Event) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	e, err := e.WithoutPrivate()
	if err != nil {
		return nil, err
	}
	return encode(e)
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
	err := p.post(ctx, e, trace, body)
	done(err)
	return err
}

// post delivers once. nil means that the subscriber has the event.
func (p *pusher) post(ctx context.Context, e bus.Entry, trace string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, p.times.Delivery)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.sub.url.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "newsfeed-eventbus")
	id := e.Event.ID
	if id == "" || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		id = e.Stream + "/" + e.ID.String()
	} else {
		// True, and it lets the client send again by itself what met a connection
		// that the subscriber was just closing.
		req.Header.Set("Idempotency-Key", id)
	}
	p.sub.sign(req.Header, id, time.Now(), body)
	if event.ValidTraceParent(trace) {
		req.Header.Set("Traceparent", trace)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return web.WithoutURL(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status has said it all
	return verdictOf(res, text, time.Now())
}

// bury puts e to the subscriber's dead letters. If they are full, that is the
// subscriber's trouble: the event waits, and is lost to nobody.
func (p *pusher) bury(ctx context.Context, e bus.Entry, attempts int, why error) error {
	letter := e.Letter(groupOf(p.sub.name()))
	letter.Error, letter.Attempts, letter.Time = why.Error(), attempts, time.Now().UTC()
	fits := false
	err := p.insist(ctx, func() (err error) {
		if fits, err = p.store.room(ctx, p.sub.name(), letter, p.times.Letters, p.times.LetterBytes); err != nil || !fits {
			return err
		}
		return p.store.bus.Bury(ctx, letter)
	})
	switch {
	case err != nil:
		return err
	case !fits:
		return &troubleError{why: "its dead letters are full, and it " + why.Error(), state: pushFull}
	}
	p.log.Error("the subscriber refused an event; it is with the dead letters",
		"id", e.ID.String(), "origin", e.Stream, "type", e.Event.Type, "event", e.Event.ID, "error", fmt.Sprint(why))
	return nil
}
