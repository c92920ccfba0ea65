package web

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// RateLimit is how much one client may ask for: Rate requests per Period in the
// long run, and Burst at once; and how much it may write. The zero RateLimit is
// [DefaultRateLimit].
type RateLimit struct {
	Rate   int
	Period time.Duration
	Burst  int
	Bytes  ByteLimit
	Off    bool // no limit
}

// ByteLimit is how many bytes a client may write: Amount per Period in the long
// run. The zero ByteLimit is none.
type ByteLimit struct {
	Amount int64
	Period time.Duration
}

// MinByteBurst is the least number of bytes that can be written at once: enough for
// the longest body that is read.
const MinByteBurst = 512 << 10

// Burst is how many bytes may be written at once: a quarter of the amount, but at
// least 512 KiB.
func (l ByteLimit) Burst() int64 { return max(l.Amount/4, MinByteBurst) }

// DefaultRateLimit lets a class of thirty behind one address work. By the bytes, a
// single address needs hours to fill a Redis of 256 MB.
func DefaultRateLimit() RateLimit {
	return RateLimit{Rate: 10, Period: time.Second, Burst: 100, Bytes: defaultBytes}
}

var defaultBytes = ByteLimit{8 << 20, time.Hour}

const (
	maxRate     = 1_000_000
	maxBytes    = 1 << 40
	rateLimitBe = "is not off, nor a limit such as 10/s,burst=100,bytes=8MiB/h (or /m, /h; bytes=off)"
)

var (
	periods   = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}
	byteUnits = []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
)

// UnmarshalText implements encoding.TextUnmarshaler. It reads "off", or a rate
// per second, minute or hour and, unless it is the same, the burst; and the bytes
// per second, minute or hour, unless they are the default, or "off" for them.
func (l *RateLimit) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*l = RateLimit{Off: true}
		return nil
	}
	parts := strings.Split(string(text), ",")
	count, unit, _ := strings.Cut(parts[0], "/")
	limit := RateLimit{Rate: parseCount(count), Period: periods[unit], Bytes: defaultBytes}
	limit.Burst = limit.Rate
	ok := limit.Period > 0
	seen := map[string]bool{}
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case seen[name]:
			ok = false
		case name == "burst":
			limit.Burst = parseCount(value)
		case name == "bytes":
			var known bool
			limit.Bytes, known = parseBytes(value)
			ok = ok && known
		default:
			ok = false
		}
		seen[name] = true
	}
	if !ok || limit.Rate == 0 || limit.Burst == 0 {
		return errors.New(rateLimitBe)
	}
	*l = limit
	return nil
}

// parseBytes reads an amount such as 8MiB/h, or off.
func parseBytes(s string) (ByteLimit, bool) {
	if s == "off" {
		return ByteLimit{}, true
	}
	amount, unit, _ := strings.Cut(s, "/")
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(amount, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || n < 1 || n*u.size > maxBytes || periods[unit] == 0 {
			return ByteLimit{}, false
		}
		return ByteLimit{n * u.size, periods[unit]}, true
	}
	return ByteLimit{}, false
}

func (l ByteLimit) String() string {
	if l.Amount == 0 {
		return "off"
	}
	for _, u := range byteUnits {
		if l.Amount%u.size == 0 {
			return fmt.Sprintf("%d%s/%s", l.Amount/u.size, u.name, unitOf(l.Period))
		}
	}
	return ""
}

func unitOf(period time.Duration) string {
	for unit, p := range periods {
		if p == period {
			return unit
		}
	}
	return period.String()
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
	return fmt.Sprintf("%d/%s,burst=%d,bytes=%s", l.Rate, unitOf(l.Period), l.Burst, l.Bytes)
}

// OrDefault returns l, or if it is zero the default.
func (l RateLimit) OrDefault() RateLimit {
	if l == (RateLimit{}) {
		return DefaultRateLimit()
	}
	return l
}
