package eventbus

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// pushState is how a subscriber takes events.
type pushState string

const (
	pushWorking  pushState = "working"
	pushRetrying pushState = "retrying" // it failed, and is tried again after growing delays
	pushResting  pushState = "resting"  // it failed breakAfter times in a row, and is tried seldom
	pushFull     pushState = "full"     // it refuses events, and its dead letters are full
	pushEnded    pushState = "ended"    // it answered 410
)

const (
	// breakAfter is how many failures in a row open the circuit.
	breakAfter = 5
	// logEvery is how often a subscriber that fails now and then is logged.
	logEvery = time.Minute
)

// PushState is how a subscriber takes events, while it does not.
type PushState struct {
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

// health is what is known of a subscriber from its latest answers. It is the circuit
// breaker of its pusher, and for one goroutine.
type health struct {
	log    *slog.Logger
	report func(ctx context.Context, s PushState) error

	state    pushState
	failures int
	since    time.Time
	saved    pushState // what was reported last
	logged   bool      // of this outage
	lastLine time.Time
}

// failed notes a failure and returns how long to wait, at least delay.
func (h *health) failed(ctx context.Context, err error, delay, rest time.Duration) time.Duration {
	if h.failures++; h.failures == 1 {
		h.since = time.Now()
	}
	h.state = pushRetrying
	if h.failures >= breakAfter {
		h.state = pushResting
	}
	if trouble, ok := errors.AsType[*troubleError](err); ok {
		if trouble.state == pushFull {
			h.state = pushFull
		}
		if delay = max(delay, trouble.after); h.state != pushRetrying {
			delay = max(delay, rest)
		}
	}
	if !h.logged && time.Since(h.lastLine) >= logEvery {
		h.logged, h.lastLine = true, time.Now()
		h.log.Warn("the subscriber does not take events; trying until it does", "error", clean(err.Error()))
	}
	h.save(ctx, err)
	return delay
}

// works notes that the subscriber has answered as it should.
func (h *health) works(ctx context.Context) {
	if h.logged {
		h.log.Info("the subscriber takes events again", "after", time.Since(h.since).Round(time.Millisecond))
	}
	h.state, h.failures, h.logged = pushWorking, 0, false
	h.save(ctx, nil)
}

// ended notes that the subscriber wants no more events.
func (h *health) ended(ctx context.Context, err error) {
	h.state, h.since = pushEnded, time.Now()
	h.log.Error("the subscriber has ended its subscription, nothing is sent to it until this service starts again", "error", clean(err.Error()))
	h.save(ctx, err)
}

// save reports a changed state. What cannot be saved now is saved with the next answer.
func (h *health) save(ctx context.Context, err error) {
	if h.state == h.saved {
		return
	}
	s := PushState{State: string(h.state), Since: h.since.UTC()}
	if err != nil {
		s.Reason = clean(err.Error())
	}
	if h.report(ctx, s) == nil {
		h.saved = h.state
	}
}
