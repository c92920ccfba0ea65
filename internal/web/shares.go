package web

import (
	"net/netip"
	"sync"
)

// shares counts who holds how many of something that there is only so much of,
// such as open streams, and lets no network of clients hold too many.
type shares struct {
	max       int // in all
	perClient int // for the narrowest network; wider ones have several times as many

	mu    sync.Mutex
	total int
	held  map[netip.Prefix]int
}

func newShares(limit, perClient int) *shares {
	return &shares{max: limit, perClient: min(perClient, limit), held: map[netip.Prefix]int{}}
}

// refusal is why [shares.enter] refused. The zero refusal admits.
type refusal struct {
	full    bool    // all are taken, whoever has them
	network Network // the network that has its share, if not full
	held    int
}

func (r refusal) refused() bool { return r != refusal{} }

// enter takes one for a client of the networks, unless that is one too many for
// one of them or in all. With lifted, only what there is in all counts.
func (s *shares) enter(networks []Network, lifted bool) refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range networks {
		if held := s.held[n.Prefix]; !lifted && held >= s.perClient*n.Share {
			return refusal{network: n, held: held}
		}
	}
	if s.total >= s.max {
		return refusal{full: true, held: s.total}
	}
	s.total++
	for _, n := range networks {
		s.held[n.Prefix]++
	}
	return refusal{}
}

// leave gives back what enter took.
func (s *shares) leave(networks []Network) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	for _, n := range networks {
		if s.held[n.Prefix]--; s.held[n.Prefix] == 0 {
			delete(s.held, n.Prefix)
		}
	}
}

func (s *shares) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}
