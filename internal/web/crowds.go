package web

import (
	"net/netip"
	"sync"
	"time"
)

// Crowds finds the address that nearly all requests seem to come from. If it is a
// private one, it is a gateway or a proxy that hides the clients, not a client: a
// load balancer, say, that TRUSTED_PROXIES does not name. A share for a single
// client would then be the share of all of them, so such an address has none.
type Crowds struct {
	mu      sync.Mutex
	now     func() time.Time
	begun   time.Time // of the minute that is being counted
	total   int
	by      map[netip.Addr]int
	current netip.Addr // of the last whole minute
}

const (
	crowdPeriod = time.Minute
	// crowdRequests is how many requests of a minute say something about it.
	crowdRequests = 60
	// crowdAddresses bounds the memory; further addresses count in the total only.
	crowdAddresses = 1024
)

// NewCrowds returns Crowds that have counted nothing.
func NewCrowds() *Crowds { return newCrowds(time.Now) }

func newCrowds(now func() time.Time) *Crowds {
	c := &Crowds{now: now}
	c.reset()
	return c
}

// WithCrowds has the router count its clients in c, for a caller that wants to
// know of [Crowds.Current].
func WithCrowds(c *Crowds) Option { return func(rt *Router) { rt.crowds = c } }

// Current returns the address that over 90 % of the last minute's requests came
// from, if it is a private one, and an invalid address if there is none.
func (c *Crowds) Current() netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roll()
	return c.current
}

// count counts a request of a client, and reports whether the client has no share.
func (c *Crowds) count(addr netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roll()
	c.total++
	if _, known := c.by[addr]; known || len(c.by) < crowdAddresses {
		c.by[addr]++
	}
	return addr.IsValid() && addr == c.current
}

// roll ends the minute if it is over.
func (c *Crowds) roll() {
	age := c.now().Sub(c.begun)
	if age < crowdPeriod {
		return
	}
	c.current = netip.Addr{}
	for addr, n := range c.by {
		// Nobody is hidden behind a loopback address: proxies there are trusted.
		if age < 2*crowdPeriod && c.total >= crowdRequests && n*10 > c.total*9 && addr.IsPrivate() {
			c.current = addr
		}
	}
	c.reset()
}

func (c *Crowds) reset() {
	c.begun, c.total, c.by = c.now(), 0, map[netip.Addr]int{}
}
