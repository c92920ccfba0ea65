package query

import "sync"

// queueLength is how many changes a client may be behind before it is dropped.
const queueLength = 256

// queue holds what is on its way to one client. Unlike a channel it takes no room
// while it is empty, which is nearly always, and there are thousands.
type queue struct {
	more chan struct{} // holds a token when there is something

	mu      sync.Mutex
	waiting []*delivery
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

// put reports whether there was room for d.
func (q *queue) put(d *delivery) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == queueLength {
		return false
	}
	q.waiting = append(q.waiting, d)
	q.tell()
	return true
}

// take returns the first of those that wait, n at most.
func (q *queue) take(n int) []*delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.waiting[:min(n, len(q.waiting))]
	q.waiting = q.waiting[len(taken):]
	if len(q.waiting) == 0 {
		q.waiting = nil
	} else {
		q.tell()
	}
	return taken
}

// tell leaves a token. Needs q.mu.
func (q *queue) tell() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}
