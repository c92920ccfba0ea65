package web

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
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
// without a request, whose client at most has to connect again, or one whose client
// is slow to send its body or to read its answer. If every one is being served, the
// new one waits, and those after it in the system's queue. So many connections that
// ask for nothing, or for something they do not let happen, shut nobody out.
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
	slow    map[net.Conn]time.Time // connections that wait for their client, and until when they keep their place
	look    *time.Timer            // for the next of them, while others wait for a place
}

func newPlaces(n int) *places {
	return &places{taken: make(chan struct{}, n), silent: list.New(), at: map[net.Conn]*list.Element{}, slow: map[net.Conn]time.Time{}}
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
	delete(p.slow, c)
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

// dismiss closes the connection that has been silent for longest, or else one whose
// client is too slow, and returns false if there is none. Its server hears of it at
// its next read.
func (p *places) dismiss() bool {
	if e := p.silent.Front(); e != nil {
		if c, ok := p.silent.Remove(e).(net.Conn); ok {
			delete(p.at, c)
			_ = c.Close()
		}
		return true
	}
	c, due := p.slowest()
	if c == nil || time.Now().Before(due) {
		return false
	}
	delete(p.slow, c)
	_ = c.Close()
	return true
}

// slowest returns the connection whose client is due first, nil if there is none.
func (p *places) slowest() (slowest net.Conn, due time.Time) {
	for c, at := range p.slow {
		if slowest == nil || at.Before(due) {
			slowest, due = c, at
		}
	}
	return slowest, due
}

// dismissSlow dismisses connections for those that wait, as far as their time has
// come, and sees to it that it is called again for the rest.
func (p *places) dismissSlow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.owed > 0 && p.dismiss() {
		p.owed--
	}
	p.lookAgain()
}

func (p *places) lookAgain() {
	if p.look != nil {
		p.look.Stop()
		p.look = nil
	}
	if c, due := p.slowest(); c != nil && p.owed > 0 {
		p.look = time.AfterFunc(time.Until(due), p.dismissSlow)
	}
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
		p.lookAgain()
	}
}

func (p *places) waited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting--
	p.owed = min(p.owed, p.waiting) // a place may have come free by itself
	p.lookAgain()
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

// place is that of one connection.
type place struct {
	places *places
	conn   net.Conn
}

type placeKey struct{}

// remember is for [http.Server.ConnContext].
func (p *places) remember(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, placeKey{}, &place{p, c})
}

// placeOf returns the place of the connection that r came on, nil without [Serve].
func placeOf(r *http.Request) *place {
	p, _ := r.Context().Value(placeKey{}).(*place)
	return p
}

// awaitClient says that from now on nothing happens on the connection until its
// client does something, and until when it keeps its place if places are short.
func (p *place) awaitClient(until time.Time) {
	p.places.mu.Lock()
	defer p.places.mu.Unlock()
	p.places.slow[p.conn] = until
	if p.places.owed > 0 {
		p.places.lookAgain()
	}
}

// heardClient ends what awaitClient has begun.
func (p *place) heardClient() {
	p.places.mu.Lock()
	defer p.places.mu.Unlock()
	delete(p.places.slow, p.conn)
}

const (
	// answerPatience is how long the client may take for the end of an answer, which
	// net/http sends when the handler has returned.
	answerPatience = 2 * time.Second
	// closingPatience is the same where the connection is then closed. net/http keeps
	// such a one for half a second, so that the client gets the answer whatever it
	// still sends.
	closingPatience = 100 * time.Millisecond
)

// answering marks connections whose handler is done: they wait for their client.
func (p *places) answering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		patience := answerPatience
		if w.Header().Get("Connection") == "close" {
			patience = closingPatience
		}
		placeOf(r).awaitClient(time.Now().Add(patience))
	})
}
