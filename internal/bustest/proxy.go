package bustest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a server and can lose replies, refuse or cut
// connections, and be slow. It is closed with the test.
type Proxy struct {
	listener net.Listener

	mu      sync.Mutex
	target  string
	delay   time.Duration
	rate    int    // bytes a second each way of a connection; 0: as fast as it goes
	word    []byte // swallow the reply to the next request that holds it
	left    int
	lost    int
	refuse  bool
	links   map[net.Conn]struct{}
	running sync.WaitGroup
}

// NewProxy starts a proxy to the address target.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, links: map[net.Conn]struct{}{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Port is the port of Addr.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// SwallowReply lets the next times requests that hold word reach the server,
// waits for each answer, drops it and closes the connection. It returns how many were
// swallowed since the call before.
func (p *Proxy) SwallowReply(word string, times int) (lost int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lost = p.lost
	p.word, p.left, p.lost = []byte(word), times, 0
	return lost
}

// Lost is how many replies have been swallowed since SwallowReply.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Refuse closes every connection now, and with on every new one too.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	p.refuse = on
	p.mu.Unlock()
	p.Cut()
}

// Slow holds up every piece of data, each way, by delay and to rate bytes a second
// for each connection. Zeroes end it.
func (p *Proxy) Slow(delay time.Duration, rate int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.rate = delay, rate
}

// hold waits as long as n bytes are to be held up.
func (p *Proxy) hold(n int) {
	p.mu.Lock()
	wait := p.delay
	if p.rate > 0 {
		wait += time.Duration(n) * time.Second / time.Duration(p.rate)
	}
	p.mu.Unlock()
	time.Sleep(wait)
}

// Retarget leads new connections to another address and closes those there are.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.Cut()
}

// Cut closes every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.links {
		_ = c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	p.mu.Lock()
	refuse, target := p.refuse, p.target
	p.mu.Unlock()
	if refuse {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	cancel()
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.track(client, server)
	defer p.untrack(client, server)

	var swallow sync.Mutex // held from a doomed request until its connection is closed
	doomed := false
	p.running.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			swallow.Lock()
			if doomed && n > 0 {
				p.mu.Lock()
				p.lost++
				p.mu.Unlock()
				err = net.ErrClosed
				n = 0
			}
			swallow.Unlock()
			if n > 0 {
				p.hold(n)
				if _, werr := client.Write(buf[:n]); werr != nil {
					err = werr
				}
			}
			if err != nil {
				_ = client.Close()
				_ = server.Close()
				return
			}
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			swallow.Lock()
			doomed = doomed || p.strike(buf[:n])
			swallow.Unlock()
			p.hold(n)
			if _, werr := server.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// strike reports whether the answer to this request is to be swallowed.
func (p *Proxy) strike(request []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left > 0 && bytes.Contains(bytes.ToLower(request), p.word) {
		p.left--
		return true
	}
	return false
}

func (p *Proxy) track(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.links[c] = struct{}{}
	}
}

func (p *Proxy) untrack(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.links, c)
	}
}
