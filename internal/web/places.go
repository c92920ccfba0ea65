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
		if p.waiting > 0 && state == http.StateIdle {
			_ = c.Close() // the server hears of it at its next read
			return
		}
		p.at[c] = p.silent.PushBack(c)
	}
}

// take waits for a place, and returns false if closed comes first.
func (p *places) take(closed <-chan struct{}) bool {
	select {
	case p.taken <- struct{}{}:
		return true
	default:
	}
	p.wait(1)
	defer p.wait(-1)
	select {
	case p.taken <- struct{}{}:
		return true
	case <-closed:
		return false
	}
}

// wait notes that n connections more wait, and if there are any makes the one
// that has been silent for longest leave.
func (p *places) wait(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting += n
	e := p.silent.Front()
	if n < 0 || e == nil {
		return
	}
	if c, ok := p.silent.Remove(e).(net.Conn); ok {
		delete(p.at, c)
		_ = c.Close()
	}
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
