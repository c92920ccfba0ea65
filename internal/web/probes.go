package web

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// readyTimeout is how long a service may take to say whether it is ready.
const readyTimeout = time.Second

// Probes answer whether the process lives and whether it should get requests.
type Probes struct {
	ready    func(context.Context) error
	draining atomic.Bool
}

// NewProbes returns the probes of a service that can work when ready returns
// nil. What ready returns otherwise is not shown to the caller.
func NewProbes(ready func(context.Context) error) *Probes {
	return &Probes{ready: ready}
}

// Routes adds GET /livez, which depends on nothing, and GET /readyz.
func (p *Probes) Routes(rt *Router) {
	rt.Handle(http.MethodGet, "/livez", func(w http.ResponseWriter, _ *http.Request) error {
		return writeOK(w)
	})
	rt.Handle(http.MethodGet, "/readyz", func(w http.ResponseWriter, r *http.Request) error {
		if p.draining.Load() {
			return fmt.Errorf("%w: shutting down", ErrNotReady)
		}
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := p.ready(ctx); err != nil {
			rt.log.DebugContext(ctx, "not ready", "error", err)
			return fmt.Errorf("%w: waiting for what the service depends on", ErrNotReady)
		}
		return writeOK(w)
	})
}

// Drain makes /readyz say no from now on.
func (p *Probes) Drain() { p.draining.Store(true) }

func writeOK(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-store")
	return WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
