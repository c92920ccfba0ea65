package service

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

//go:embed lua/quota.lua
var quotaSource string

// RateLimit bounds how many writes, and how many bytes, a client may ask a service
// for, whichever replica it asks. Every network of the client has a quota of its
// own, and a request must fit all of them. The quotas are kept in Redis (GCRA), at
// keys in the service's slot that go by themselves.
type RateLimit struct {
	redis  redis.UniversalClient
	script *redis.Script
	keys   string // what precedes the network in a key
	limit  web.RateLimit
	admin  web.Tokens
}

// NewRateLimit returns the rate limit of a service. Whoever brings the admin's
// token has none.
func NewRateLimit(b *bus.Bus, service string, limit web.RateLimit, admin web.Tokens) *RateLimit {
	return &RateLimit{
		redis: b.Redis(), script: redis.NewScript(quotaSource),
		keys: "rate:{" + service + "}:", limit: limit.OrDefault(), admin: admin,
	}
}

// writeOverhead is what a write costs besides its body, in bytes: its event and
// its places in lists and in the view, for the shortest text.
const writeOverhead = 2 << 10

// payment is what a request has paid.
type payment struct {
	header http.Header
	paid   int64 // bytes
}

type paymentKey struct{}

// Limit lets h answer only requests within the limit. A body whose length is known
// is paid before anything of it is read, and any other when it has been read to its
// end, before h sees the end. Else the answer is 429 with Retry-After. While Redis
// is away it is 503: h could not write anything either.
//
// Every answer says how much is left (draft-ietf-httpapi-ratelimit-headers-10).
func (l *RateLimit) Limit(h web.Handler) web.Handler {
	if l.limit.Off {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		if web.HasToken(r, l.admin) {
			return h(w, r)
		}
		p := &payment{header: w.Header()}
		r = r.WithContext(context.WithValue(r.Context(), paymentKey{}, p))
		// No handler takes a longer body. A length is only what the client says, and
		// must not use up what others in its networks have.
		if err := l.take(r, p, 1, writeOverhead+min(max(0, r.ContentLength), web.MinByteBurst)); err != nil {
			return err
		}
		if r.ContentLength >= 0 {
			return h(w, r)
		}
		body := &meteredBody{ReadCloser: r.Body, pay: func(n int64) error { return l.Pay(r, n) }}
		r.Body = body
		err := h(w, r)
		if body.refused != nil {
			return body.refused // and not what h makes of a body without an end
		}
		return err
	}
}

// Pay takes from the client's quotas what a write of so many bytes costs, as far as
// r has not paid it with its body. It is for a write that stores more than its body
// has: a small edit of a long text. The error is that of [RateLimit.Limit].
func (l *RateLimit) Pay(r *http.Request, bytes int64) error {
	p, ok := r.Context().Value(paymentKey{}).(*payment)
	if !ok { // without a limit
		return nil
	}
	if more := writeOverhead + bytes - p.paid; more > 0 {
		return l.take(r, p, 0, more)
	}
	return nil
}

// take takes writes and bytes from every network of the client, or from none.
func (l *RateLimit) take(r *http.Request, p *payment, writes, bytes int64) error {
	quotas := l.quotas(r)
	keys, args := make([]string, len(quotas)), make([]any, 0, 3*len(quotas))
	for i, q := range quotas {
		cost := writes
		if q.unit > 1 {
			cost = bytes
		}
		keys[i] = q.key
		args = append(args, q.capacity, q.pace, cost)
	}
	left, err := l.script.Run(r.Context(), l.redis, keys, args...).Int64Slice()
	if bus.Full(err) {
		return nil // nothing can be counted, and new texts are refused anyway
	}
	if err != nil {
		return bus.Err("rate limit", err)
	}
	if len(left) != 1+2*len(quotas) {
		return bus.Err("rate limit", fmt.Errorf("%d values, want %d", len(left), 1+2*len(quotas)))
	}
	l.announce(p.header, quotas, left[1:])
	if left[0] > 0 {
		return web.RetryIn(time.Duration(left[0])*time.Millisecond,
			fmt.Errorf("%w: the limit for one address or network is %s (RATE_LIMIT)", web.ErrTooMany, l.limit))
	}
	p.paid += bytes
	return nil
}

// quota is one bucket of one network.
type quota struct {
	key      string
	capacity int64
	pace     float64 // seconds for one more
	unit     int64   // what one write takes at least
}

func (l *RateLimit) quotas(r *http.Request) []quota {
	var all []quota
	for _, n := range web.ClientNetworks(r) {
		share := int64(n.Share)
		all = append(all, quota{
			l.keys + n.String(), int64(l.limit.Burst) * share,
			l.limit.Period.Seconds() / float64(int64(l.limit.Rate)*share), 1,
		})
		if b := l.limit.Bytes; b.Amount > 0 {
			all = append(all, quota{
				l.keys + "bytes:" + n.String(), b.Burst() * share,
				b.Period.Seconds() / float64(b.Amount*share), writeOverhead,
			})
		}
	}
	return all
}

// announce tells the tightest of the quotas, in writes of the least cost.
func (l *RateLimit) announce(header http.Header, quotas []quota, left []int64) {
	tightest, writes := 0, int64(math.MaxInt64)
	for i, q := range quotas {
		if n := max(0, left[2*i]) / q.unit; n < writes {
			tightest, writes = i, n
		}
	}
	q := quotas[tightest]
	// The quota comes back whole within the time that its pace needs for it.
	window, reset := math.Ceil(q.pace*float64(q.capacity)), math.Ceil(float64(left[2*tightest+1])/1000)
	header.Set("RateLimit-Policy", fmt.Sprintf(`"writes";q=%d;w=%.0f`, q.capacity/q.unit, window))
	header.Set("RateLimit", fmt.Sprintf(`"writes";r=%d;t=%.0f`, writes, reset))
}

// meteredBody is a body of unknown length, which is paid when it has come to its
// end.
type meteredBody struct {
	io.ReadCloser
	n       int64
	pay     func(int64) error
	refused error
}

// Read implements [io.Reader].
func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if errors.Is(err, io.EOF) && b.refused == nil {
		b.refused = b.pay(b.n)
	}
	if b.refused != nil {
		return n, b.refused
	}
	return n, err
}
