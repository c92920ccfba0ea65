package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tmaxmax/go-sse"
)

// changes is where query leaves a notice of every change of the view.
const changes = "{query}:changes"

// listener is a client of the stream of one replica of query.
type listener struct {
	s      *system
	events chan sse.Event // closed when the connection has ended
	last   string         // id of the last event that was taken
}

// listen connects to the feed's changes at a replica of query, with a
// Last-Event-ID unless that is "".
func (s *system) listen(p *process, lastID string) *listener {
	s.t.Helper()
	return s.listenTo(p, "/posts/stream", lastID)
}

// listenTo is listen for the stream at a path of any service.
func (s *system) listenTo(p *process, path, lastID string) *listener {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr()+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %d", path, resp.StatusCode)
	}
	documented(s.t, p.service, resp, nil, nil)
	l := &listener{s: s, events: make(chan sse.Event, 10_000), last: lastID}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(l.events)
		defer func() { _ = resp.Body.Close() }()
		for e, err := range sse.Read(resp.Body, &sse.ReadConfig{MaxEventSize: 4 << 20}) {
			if err != nil {
				return
			}
			documentedEvent(s.t, p.service, resp.Request.URL.Path, e)
			if e.Type != "heartbeat" {
				l.events <- e
			}
		}
	})
	s.t.Cleanup(func() { cancel(); reading.Wait() })
	return l
}

// next takes the next event; false if the connection has ended.
func (l *listener) next() (sse.Event, bool) {
	l.s.t.Helper()
	select {
	case e, ok := <-l.events:
		if ok {
			l.last = e.LastEventID
		}
		return e, ok
	case <-time.After(patience):
		l.s.t.Fatalf("no event within %s", patience)
		return sse.Event{}, false
	}
}

// changeIDs returns the ids of the notices after an id.
func (s *system) changeIDs(after string) []string {
	s.t.Helper()
	entries, err := s.redis.Client().XRange(context.Background(), changes, "("+after, "+").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// toldOf returns all that the stream tells of the changes so far, as text.
func (s *system) toldOf(p *process) string {
	s.t.Helper()
	ids := s.changeIDs("0-0")
	l := s.listen(p, "0-0")
	var all strings.Builder
	for l.last != ids[len(ids)-1] {
		e, ok := l.next()
		if !ok || e.Type == "resync" {
			s.t.Fatalf("the stream tells nothing of old changes: %v", e)
		}
		fmt.Fprintln(&all, e.Type, e.Data)
	}
	return all.String()
}

// A replica is killed while a client listens to it. At the other one the client
// is told exactly what it has missed, and then goes on.
func TestLiveThroughAKilledReplica(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	first, second := s.replicas["query"][0], s.replicas["query"][1]
	l := s.listen(first, "")
	if e, _ := l.next(); e.Type != "hello" {
		t.Fatalf("begins with %v", e)
	}
	start := l.last
	var ids []string
	p := s.newPost("A post")
	s.newComment(p.ID, "before", "bob")
	for range 3 {
		if _, ok := l.next(); !ok {
			t.Fatal("the stream has ended")
		}
		ids = append(ids, l.last)
	}
	first.kill()
	for e := range l.events { // what was on its way
		l.last = e.LastEventID
		ids = append(ids, l.last)
	}
	var last comment
	for i := range 50 {
		last = s.newComment(p.ID, fmt.Sprintf("comment %d", i), "bob")
	}
	s.awaitStatus(last, "approved")
	again := s.listen(second, l.last)
	var text string
	for !strings.Contains(text, last.ID) || !strings.Contains(text, "comment 49") {
		e, ok := again.next()
		if !ok {
			t.Fatal("the stream has ended")
		}
		text = e.Data
		ids = append(ids, again.last)
	}
	told := s.changeIDs(start)
	told = told[:slices.Index(told, again.last)+1]
	if diff := cmp.Diff(told, ids); diff != "" {
		t.Errorf("not exactly the changes: %s", diff)
	}
}

// Open streams do not hold up a service that stops.
func TestLiveEndsWithTheService(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.replicas["query"][0]
	l := s.listen(p, "")
	l.next()
	start := time.Now()
	p.stop()
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("stopped after %s", took)
	}
	if e, ok := l.next(); ok {
		t.Errorf("event %v", e)
	}
}
