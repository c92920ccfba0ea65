package query

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tmaxmax/go-sse"
)

// listener is a client of the stream.
type listener struct {
	t      *testing.T
	events chan sse.Event
	beats  atomic.Int64
	cut    func() // ends the connection
	last   string // id of the last event that was taken
}

// listen connects, with a Last-Event-ID unless that is "".
func (r *replica) listen(lastID string) *listener {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/posts/stream", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("GET /posts/stream: %d", resp.StatusCode)
	}
	l := &listener{t: r.t, events: make(chan sse.Event, 10_000), last: lastID}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(l.events)
		defer func() { _ = resp.Body.Close() }()
		for e, err := range sse.Read(resp.Body, &sse.ReadConfig{MaxEventSize: 4 << 20}) {
			if err != nil {
				return
			}
			if e.Type == eventHeartbeat {
				l.beats.Add(1)
				continue
			}
			l.events <- e
		}
	})
	l.cut = func() { cancel(); reading.Wait() }
	r.t.Cleanup(l.cut)
	return l
}

// next takes the next event.
func (l *listener) next() sse.Event {
	l.t.Helper()
	select {
	case e, ok := <-l.events:
		if !ok {
			l.t.Fatal("the stream has ended")
		}
		l.last = e.LastEventID
		return e
	case <-time.After(10 * time.Second):
		l.t.Fatal("nothing comes")
		return sse.Event{}
	}
}

// want takes the next event, which must be of this type.
func (l *listener) want(typ string) sse.Event {
	l.t.Helper()
	e := l.next()
	if e.Type != typ {
		l.t.Fatalf("event %s %s, want %s", e.Type, e.Data, typ)
	}
	return e
}
