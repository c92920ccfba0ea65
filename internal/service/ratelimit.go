package service

import (
	"fmt"
	"math"
	"net/http"

	"github.com/go-redis/redis_rate/v10"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// RateLimit bounds how many writes a client may ask a service for, whichever
// replica it asks. The count is kept in Redis (GCRA), at a key in the service's
// slot that goes by itself.
type RateLimit struct {
	limiter *redis_rate.Limiter
	keys    string // what precedes the client in a key
	limit   web.RateLimit
	admin   web.Tokens
}

// NewRateLimit returns the rate limit of a service. Whoever brings the admin's
// token has none.
func NewRateLimit(b *bus.Bus, service string, limit web.RateLimit, admin web.Tokens) *RateLimit {
	return &RateLimit{
		limiter: redis_rate.NewLimiter(b.Redis()), keys: "{" + service + "}:", limit: limit.OrDefault(), admin: admin,
	}
}

// Limit lets h answer only requests within the limit, before anything of their
// body is read; else the answer is 429 with Retry-After. While Redis is away it is
// 503: h could not write anything either.
//
// Every answer says how much is left (draft-ietf-httpapi-ratelimit-headers-10).
func (l *RateLimit) Limit(h web.Handler) web.Handler {
	if l.limit.Off {
		return h
	}
	limit := redis_rate.Limit{Rate: l.limit.Rate, Period: l.limit.Period, Burst: l.limit.Burst}
	// The quota comes back whole within the time that the rate needs for it.
	window := math.Ceil(limit.Period.Seconds() * float64(limit.Burst) / float64(limit.Rate))
	policy := fmt.Sprintf(`"writes";q=%d;w=%.0f`, limit.Burst, window)
	return func(w http.ResponseWriter, r *http.Request) error {
		if web.HasToken(r, l.admin) {
			return h(w, r)
		}
		res, err := l.limiter.Allow(r.Context(), l.keys+web.ClientNet(r), limit)
		if bus.Full(err) {
			return h(w, r) // nothing can be counted, and new texts are refused anyway
		}
		if err != nil {
			return bus.Err("rate limit", err)
		}
		header := w.Header()
		header.Set("RateLimit-Policy", policy)
		header.Set("RateLimit", fmt.Sprintf(`"writes";r=%d;t=%.0f`, res.Remaining, math.Ceil(res.ResetAfter.Seconds())))
		if res.Allowed == 0 {
			return web.RetryIn(res.RetryAfter, fmt.Errorf("%w: the limit for one address is %s (RATE_LIMIT)", web.ErrTooMany, l.limit))
		}
		return h(w, r)
	}
}
