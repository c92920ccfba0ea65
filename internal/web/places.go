package web

import (
	"container/list"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// DefaultConnections is how many connections a service keeps at once.
const DefaultConnections = 4096

const maxConnections = 1_000_000

// Connections is a number of connections, from 1 to 1 000 000.
type Connections int

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Connections) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > maxConnections {
		return errors.New("is not a number from 1 to 1000000")
	}
	*c = Connections(n)
	return nil
}

// places bounds the connections that a server keeps. When all places are taken,
// a new connection takes that of the one which has been silent for longest: one
// without a request, whose client at most has to connect again. If every one is
// being served, the new one waits, and those after it in the system's queue. So
// many connections that ask for nothing shut nobody out.
//
// It learns from the server when connections come to rest and end, and leaves
// the connections themselves as they are: wrapped ones would lose what net/http
// does with a *net.TCPConn, such as telling who is refused why before it closes.
type places struct {
	taken chan struct{}

	mu      sync.Mutex
	waiting int        // connections without a place
	owed    int        // those of them for which none has been told to leave yet
	silent  *list.List // of net.Conn, the longest silent first
	at      map[net.Conn]*list.Element
}

func newPlaces(n int) *places {
	return &places{taken: make(chan struct{}, n), silent: list.New(), at: map[net.Conn]*list.Element{}}
}

// bound returns l with its connections bounded; listeners can share places.
func (p *places) bound(l net.Listener) net.Listener {
	return &boundListener{Listener: l, places: p, closed: make(chan struct{})}
}

// watch is told by the server what becomes of a connection; see
// [http.Server.ConnState].
func (p *places) watch(c net.Conn, state http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.at[c]; ok {
		p.silent.Remove(e)
		delete(p.at, c)
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		<-p.taken
	case http.StateNew, http.StateIdle:
		p.at[c] = p.silent.PushBack(c)
		if p.owed > 0 && state == http.StateIdle {
			p.owed--
			p.dismiss()
		}
	}
}

// dismiss closes the connection that has been silent for longest, and returns
// false if there is none. Its server hears of it at its next read.
func (p *places) dismiss() bool {
	e := p.silent.Front()
	if e == nil {
		return false
	}
	if c, ok := p.silent.Remove(e).(net.Conn); ok {
		delete(p.at, c)
		_ = c.Close()
	}
	return true
}

// take waits for a place, and returns false if closed comes first.
func (p *places) take(closed <-chan struct{}) bool {
	select {
	case p.taken <- struct{}{}:
		return true
	default:
	}
	p.wait()
	defer p.waited()
	select {
	case p.taken <- struct{}{}:
		return true
	case <-closed:
		return false
	}
}

// wait has one connection leave in favour of one that comes: now, or when the
// next falls silent.
func (p *places) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	if !p.dismiss() {
		p.owed++
	}
}

func (p *places) waited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting--
	p.owed = min(p.owed, p.waiting) // a place may have come free by itself
}

type boundListener struct {
	net.Listener
	places *places

	once   sync.Once
	closed chan struct{}
}

// Accept implements [net.Listener].
func (l *boundListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !l.places.take(l.closed) {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	return c, nil
}

// Close implements [net.Listener].
func (l *boundListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
