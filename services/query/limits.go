package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"newsfeed/internal/web"
)

// What readers can make the service hold in memory, and have Redis read, is bounded,
// whoever and however many they are.

const (
	// maxConstructing bounds the bytes of answers that are being read and rendered. An
	// answer takes several times the bytes that it is made of: as Redis sends them,
	// parsed, and rendered.
	maxConstructing = 48 << 20
	constructing    = 8 // times
	// maxConstructingOne is how much of it one client network may have: others find
	// room for theirs.
	maxConstructingOne = maxConstructing * 2 / 3
	// maxElement is about the largest element of a list, as Redis has it.
	maxElement = 64 << 10
	// constructWait is how long an answer waits for its turn. Then it is 503.
	constructWait = 2 * time.Second
	// maxSending bounds the bytes of answers that are being written, of which each
	// counts as often as it is sent, and maxSendingOne those to one client network.
	maxSending    = 24 << 20
	maxSendingOne = maxSending / 4
	// smallAnswer is not counted: connections are bounded by number.
	smallAnswer = 32 << 10
	// maxReaders is for how many client networks the rate of reading is remembered.
	maxReaders = 20_000
)

// readLimits bound reading. See [newReadLimits].
type readLimits struct {
	constructing *semaphore.Weighted
	rate         web.RateLimit
	readers      *otter.Cache[string, *reader]

	mu      sync.Mutex
	sending int            // bytes
	byNet   map[string]int // likewise, of each client network
}

// reader is a client network.
type reader struct {
	rate         *rate.Limiter
	constructing *semaphore.Weighted
}

// newReadLimits returns limits with a rate of answers that are not kept, for one
// client network. This machine itself has none.
func newReadLimits(limit web.RateLimit) *readLimits {
	return &readLimits{
		constructing: semaphore.NewWeighted(maxConstructing), rate: limit, byNet: map[string]int{},
		readers: otter.Must(&otter.Options[string, *reader]{
			MaximumSize: maxReaders,
			Executor:    func(task func()) { task() }, // no goroutine that nobody waits for
		}),
	}
}

// admit takes an answer that must be made from the quota of the client's network. The
// error is web.ErrTooMany.
func (l *readLimits) admit(r *http.Request) error {
	if l.rate.Off {
		return nil
	}
	if addr, err := netip.ParseAddr(web.ClientIP(r)); err == nil && addr.IsLoopback() {
		return nil
	}
	if l.reader(web.ClientNet(r)).rate.Allow() {
		return nil
	}
	return web.RetryIn(time.Second, fmt.Errorf("%w: the limit of reading for one network is %s (READ_LIMIT)", web.ErrTooMany, l.rate))
}

func (l *readLimits) reader(network string) *reader {
	found, _ := l.readers.ComputeIfAbsent(network, func() (*reader, bool) {
		limiter := rate.NewLimiter(rate.Inf, 0)
		if !l.rate.Off {
			limiter = rate.NewLimiter(rate.Limit(float64(l.rate.Rate)/l.rate.Period.Seconds()), l.rate.Burst)
		}
		return &reader{limiter, semaphore.NewWeighted(maxConstructingOne)}, false
	})
	return found
}

// construct waits until an answer of so many elements may be made for a client
// network. The caller calls done when it is made.
func (l *readLimits) construct(ctx context.Context, network string, elements int) (done func(), err error) {
	weight := int64(constructing * min(elements*maxElement, readBudget))
	waiting, cancel := context.WithTimeout(ctx, constructWait)
	defer cancel()
	own := l.reader(network).constructing
	if err = own.Acquire(waiting, weight); err == nil {
		if err = l.constructing.Acquire(waiting, weight); err != nil {
			own.Release(weight)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, web.RetryIn(time.Second, errors.New("too many pages are being made"))
	}
	return func() { l.constructing.Release(weight); own.Release(weight) }, nil
}

// send writes an answer, if that many bytes may still be under way.
func (l *readLimits) send(w http.ResponseWriter, r *http.Request, page *web.Rendered) error {
	size := page.Size()
	if size <= smallAnswer {
		page.Write(w, r)
		return nil
	}
	network := web.ClientNet(r)
	if !l.take(network, size) {
		return web.RetryIn(time.Second, errors.New("too many large pages are being sent"))
	}
	defer l.give(network, size)
	page.Write(w, r)
	return nil
}

func (l *readLimits) take(network string, size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sending+size > maxSending || l.byNet[network]+size > maxSendingOne && l.byNet[network] > 0 {
		return false
	}
	l.sending += size
	l.byNet[network] += size
	return true
}

func (l *readLimits) give(network string, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sending -= size
	if l.byNet[network] -= size; l.byNet[network] <= 0 {
		delete(l.byNet, network)
	}
}
