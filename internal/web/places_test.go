package web_test

import (
	"net"
	"net/http"
	"testing"
	"time"

	"newsfeed/internal/web"
)

// Connections that have never asked give way in the order in which they came.
func TestSilentConnectionsGiveWay(t *testing.T) {
	s := careful(t, web.Limits{Connections: 3})
	var all []net.Conn
	for range 12 {
		all = append(all, dial(t, s))
	}
	for _, c := range all[:9] {
		hangsUp(t, c)
	}
	for _, c := range all[9:] {
		send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := hear(t, c); got != 200 {
			t.Errorf("status %d", got)
		}
	}
}

// So do connections that have had their answers and are kept open.
func TestIdleConnectionsGiveWay(t *testing.T) {
	s := careful(t, web.Limits{Connections: 3})
	for i := range 12 {
		c := dial(t, s)
		for range 2 {
			send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if got := hear(t, c); got != 200 {
				t.Fatalf("connection %d: status %d", i, got)
			}
		}
	}
}

// While all are being served, one more waits, and is served when one of them has
// its answer, though that keeps its connection open.
func TestBusyConnectionsAreWaitedFor(t *testing.T) {
	entered, leave := make(chan struct{}, 3), make(chan struct{})
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/", func(http.ResponseWriter, *http.Request) error {
		entered <- struct{}{}
		<-leave
		return nil
	})
	s := start(t, web.Server{Handler: rt, Limits: web.Limits{Connections: 2}})
	var all []net.Conn
	for range 3 {
		c := dial(t, s)
		send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		all = append(all, c)
		if len(all) < 3 {
			<-entered
		}
	}
	select {
	case <-entered:
		t.Error("three are served where two may be")
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	for i, c := range all {
		if got := hear(t, c); got != 200 {
			t.Errorf("connection %d: status %d", i, got)
		}
	}
}

// A server that is full can be stopped.
func TestFullServerStops(t *testing.T) {
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/", func(http.ResponseWriter, *http.Request) error {
		entered <- struct{}{}
		<-leave
		return nil
	})
	s := start(t, web.Server{Handler: rt, Limits: web.Limits{Connections: 1}})
	c := dial(t, s)
	send(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	waiting := dial(t, s)
	s.stop()
	hangsUp(t, waiting)
	close(leave)
	if got := hear(t, c); got != 200 {
		t.Errorf("status %d", got)
	}
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}
