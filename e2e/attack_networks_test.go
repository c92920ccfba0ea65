package e2e

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whatever one network of clients does, others can read and write.
func TestAttack_Networks(t *testing.T) {
	last := attackFor(t)
	for _, network := range []string{"203.0.113.9/32", "203.0.113.0/24", "2001:db8:1:100::/56", "2001:db8:2::/48"} {
		t.Run(network, func(t *testing.T) {
			s, front := startOne(t, nil)
			victimPost := s.newPost("Before")
			ctx, cancel := context.WithTimeout(t.Context(), last)
			defer cancel()
			a := &attacker{network: netip.MustParsePrefix(network), front: front.addr(), post: victimPost.ID}
			reader, writer := newVictim(), newVictim()
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() { a.write(ctx) })
			}
			for range 300 {
				wg.Go(func() { a.wait(ctx) })
			}
			for range 1_000 {
				wg.Go(func() { a.stream(ctx) })
				wg.Go(func() { a.slowBody(ctx) })
			}
			wg.Go(func() {
				reader.keeps(ctx, 20*time.Millisecond, func() *http.Request {
					return get("http://"+front.addr()+"/api/query/posts", "198.51.100.7")
				})
			})
			wg.Go(func() {
				writer.keeps(ctx, 500*time.Millisecond, func() *http.Request {
					req := get("http://"+front.addr()+"/api/comments/posts/"+victimPost.ID+"/comments", "198.51.100.8")
					req.Method, req.Body = http.MethodPost, io.NopCloser(strings.NewReader(`{"content":"kind","author":"bea"}`))
					req.Header.Set("Content-Type", "application/json")
					return req
				})
			})
			wg.Wait()
			t.Logf("the attacker: %d writes accepted, %d refused; %d streams opened, %d refused", a.written, a.refused, a.opened, a.shut)
			reader.judge(t, "another reader")
			writer.judge(t, "another writer")
		})
	}
}

// attacker is everybody in one network.
type attacker struct {
	network     netip.Prefix
	front, post string

	mu                             sync.Mutex
	written, refused, opened, shut int
}

// address returns one of the network.
func (a *attacker) address() string {
	b := a.network.Addr().AsSlice()
	for i := range b {
		for bit := range 8 {
			if i*8+bit >= a.network.Bits() && rand.IntN(2) == 1 {
				b[i] |= 0x80 >> bit
			}
		}
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr.String()
}

func (a *attacker) count(n *int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*n++
}

func (a *attacker) write(ctx context.Context) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	body := fmt.Sprintf(`{"content":%q}`, strings.Repeat("😀", 5_000))
	for ctx.Err() == nil {
		req := get("http://"+a.front+"/api/comments/posts/"+a.post+"/comments", a.address()).WithContext(ctx)
		req.Method, req.Body = http.MethodPost, io.NopCloser(strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusCreated {
			a.count(&a.written)
		} else {
			a.count(&a.refused)
			pause(ctx, 5*time.Millisecond)
		}
	}
}

func (a *attacker) wait(ctx context.Context) {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	for ctx.Err() == nil {
		resp, err := client.Do(get("http://"+a.front+"/api/query/posts/"+a.post+"?version=99&wait=10s", a.address()).WithContext(ctx))
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// dial sends the head of a request by a connection of its own.
func (a *attacker) dial(ctx context.Context, head string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", a.front)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "%sHost: localhost\r\nX-Forwarded-For: %s\r\n\r\n", head, a.address())
	if err != nil {
		_ = c.Close()
	}
	return c, err
}

func (a *attacker) stream(ctx context.Context) {
	for ctx.Err() == nil {
		c, err := a.dial(ctx, "GET /api/query/posts/stream HTTP/1.1\r\n")
		if err != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		head := make([]byte, 12)
		if _, err := io.ReadFull(c, head); err == nil && strings.HasSuffix(string(head), "200") {
			a.count(&a.opened)
			_, _ = io.Copy(io.Discard, c)
		} else {
			a.count(&a.shut)
		}
		stop()
		_ = c.Close()
		pause(ctx, 100*time.Millisecond)
	}
}

// slowBody announces a body and sends one byte of it at a time.
func (a *attacker) slowBody(ctx context.Context) {
	for ctx.Err() == nil {
		c, err := a.dial(ctx, "POST /api/posts/posts HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n")
		if err != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		for err == nil && ctx.Err() == nil {
			_, err = c.Write([]byte{' '})
			pause(ctx, 500*time.Millisecond)
		}
		_ = c.Close()
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
