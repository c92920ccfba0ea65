package eventbus

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// delivery is one request that a subscriber got.
type delivery struct {
	event.Event
	Key    string // the Idempotency-Key
	Remote string
	Header http.Header
	Body   []byte
}

// subscriberServer is a foreign service. It answers as answer says; the zero
// answer is 200 OK.
type subscriberServer struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	answer   func(w http.ResponseWriter, d delivery)
	got      []delivery // all requests, in order
	taken    []string   // ids that were answered with 2xx, in order
	inFlight int
	most     int // deliveries at once
}

func newSubscriber(t testing.TB, answer func(w http.ResponseWriter, d delivery)) *subscriberServer {
	t.Helper()
	s := &subscriberServer{t: t, answer: answer}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *subscriberServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	d := delivery{Key: r.Header.Get("Idempotency-Key"), Remote: r.RemoteAddr, Header: r.Header, Body: body}
	if err == nil {
		err = json.Unmarshal(body, &d.Event)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/events" || r.Header.Get("Content-Type") != "application/json" {
		s.t.Errorf("%s %s with %.100q as %s: %v", r.Method, r.URL, body, r.Header.Get("Content-Type"), err)
	}
	s.mu.Lock()
	s.got = append(s.got, d)
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	reply := s.answer
	s.mu.Unlock()
	rec := &statusWriter{ResponseWriter: w}
	if reply != nil {
		reply(rec, d)
	}
	if rec.status == 0 {
		rec.WriteHeader(http.StatusOK)
		_, _ = rec.Write([]byte("OK"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if rec.status < 300 {
		s.taken = append(s.taken, d.ID)
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// takes returns the ids that were taken, in order.
func (s *subscriberServer) takes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.taken...)
}

// gets returns all that came, in order.
func (s *subscriberServer) gets() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]delivery(nil), s.got...)
}

func (s *subscriberServer) mostAtOnce() int { s.mu.Lock(); defer s.mu.Unlock(); return s.most }

// awaits waits until n have been taken.
func (s *subscriberServer) awaits(n int) []string {
	s.t.Helper()
	bustest.Eventually(s.t, 20*time.Second, fmt.Sprintf("%d events are taken", n), func() bool { return len(s.takes()) >= n })
	return s.takes()
}
