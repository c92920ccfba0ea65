package web

import (
	"fmt"
	"net/http"
)

// Waits bounds how many requests wait for something, such as a version of a post,
// in all and for each network of clients.
type Waits struct{ waiting *shares }

// NewWaits returns Waits for limit requests, of which one client may have
// perClient; see [ClientNetworks] for wider networks.
func NewWaits(limit, perClient int) *Waits { return &Waits{newShares(limit, perClient)} }

// Admit counts r as waiting until leave is called. The error is a 503 with
// Retry-After.
func (w *Waits) Admit(r *http.Request) (leave func(), err error) {
	networks := ClientNetworks(r)
	switch no := w.waiting.enter(networks, shareLifted(r)); {
	case no.full:
		return nil, RetryIn(retryService, fmt.Errorf("%d requests wait already", no.held))
	case no.refused():
		return nil, RetryIn(retryService, fmt.Errorf("%d requests of %s wait already", no.held, no.network))
	}
	return func() { w.waiting.leave(networks) }, nil
}
