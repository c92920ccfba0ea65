package web

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// RateLimit is how much one client may ask for: Rate requests per Period in the
// long run, and Burst at once. The zero RateLimit is [DefaultRateLimit].
type RateLimit struct {
	Rate   int
	Period time.Duration
	Burst  int
	Off    bool // no limit
}

// DefaultRateLimit lets a class of thirty behind one address work.
func DefaultRateLimit() RateLimit { return RateLimit{Rate: 10, Period: time.Second, Burst: 100} }

const (
	maxRate     = 1_000_000
	rateLimitBe = "is not off, nor a limit such as 10/s,burst=100 (or /m, /h)"
)

// UnmarshalText implements encoding.TextUnmarshaler. It reads "off", or a rate
// per second, minute or hour and, unless it is the same, the burst.
func (l *RateLimit) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*l = RateLimit{Off: true}
		return nil
	}
	rate, burst, hasBurst := strings.Cut(string(text), ",")
	count, unit, _ := strings.Cut(rate, "/")
	period, known := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	limit := RateLimit{Rate: parseCount(count), Period: period}
	limit.Burst = limit.Rate
	if hasBurst {
		value, named := strings.CutPrefix(strings.TrimSpace(burst), "burst=")
		known = known && named
		limit.Burst = parseCount(value)
	}
	if !known || limit.Rate == 0 || limit.Burst == 0 {
		return errors.New(rateLimitBe)
	}
	*l = limit
	return nil
}

// parseCount reads a number from 1 to maxRate, and returns 0 for all else.
func parseCount(s string) int {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > maxRate {
		return 0
	}
	return int(n)
}

// String is the limit as UnmarshalText reads it.
func (l RateLimit) String() string {
	l = l.OrDefault()
	if l.Off {
		return "off"
	}
	unit := map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h"}[l.Period]
	return fmt.Sprintf("%d/%s,burst=%d", l.Rate, unit, l.Burst)
}

// OrDefault returns l, or if it is zero the default.
func (l RateLimit) OrDefault() RateLimit {
	if l == (RateLimit{}) {
		return DefaultRateLimit()
	}
	return l
}
