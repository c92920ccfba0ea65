package web

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// served is a connection of a server whose places are all taken, while a request
// of it is being answered.
func served(t *testing.T, p *places) *place {
	t.Helper()
	server, client := net.Pipe()
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	p.taken <- struct{}{}
	p.watch(server, http.StateNew)
	p.watch(server, http.StateActive)
	go func() { // as net/http does when the connection has ended
		_, _ = client.Read(make([]byte, 1))
		p.watch(server, http.StateClosed)
	}()
	return &place{p, server}
}

// placeTaken returns how long a newcomer waits for a place, 0 for ever.
func placeTaken(p *places, patience time.Duration) time.Duration {
	closed, begun := make(chan struct{}), time.Now()
	give := time.AfterFunc(patience, func() { close(closed) })
	defer give.Stop()
	if !p.take(closed) {
		return 0
	}
	return time.Since(begun)
}

func TestPlaces_SlowClientYieldsItsPlace(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*place)
		want time.Duration
	}{
		{"a body is awaited", func(p *place) { p.awaitClient(time.Now().Add(2 * time.Second)) }, 2 * time.Second},
		{"a body is overdue", func(p *place) { p.awaitClient(time.Now().Add(-time.Second)) }, 1},
		{"the body has come", func(p *place) { p.awaitClient(time.Now()); p.heardClient() }, 0},
		{"a handler is at work", func(*place) {}, 0},
		{"the client waits for its answer no longer", func(p *place) {
			p.awaitClient(time.Now().Add(answerPatience))
			p.places.watch(p.conn, http.StateIdle)
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlaces(1)
				c := served(t, p)
				tt.do(c)
				got := placeTaken(p, time.Hour)
				if got != tt.want && (tt.want != 1 || got >= time.Millisecond) {
					t.Errorf("a newcomer waited %s, want %s", got, tt.want)
				}
				_ = c.conn.Close()
			})
		})
	}
}

// A client becomes slow while others wait for its place already.
func TestPlaces_NewcomerWaits_ThenClientIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2)
		one := served(t, p)
		two := served(t, p)
		time.AfterFunc(time.Second, func() { one.awaitClient(time.Now().Add(5 * time.Second)) })
		time.AfterFunc(2*time.Second, func() { two.awaitClient(time.Now().Add(time.Second)) })
		if got := placeTaken(p, time.Hour); got != 3*time.Second {
			t.Errorf("a newcomer waited %s, want 3s", got)
		}
		if got := placeTaken(p, time.Hour); got != 3*time.Second {
			t.Errorf("the next waited %s, want 3s more", got)
		}
	})
}
