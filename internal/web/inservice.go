package web

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync/atomic"
	"time"
)

// inService bounds what the requests of one network of clients can hold at once.
// See [WithConnections].
type inService struct {
	requests *shares
	bodies   *shares // requests whose body has not come to its end
}

// shareOfConnections is the part of all connections that one client may have
// requests on. A /24 of IPv4 and a /48 of IPv6 have four times as many: a quarter.
const shareOfConnections = 16

// minRequests is how many requests one client may always have in service.
const minRequests = 16

// retryService is when a client whose network has its share may try again.
const retryService = time.Second

func newInService(connections Connections) *inService {
	perClient := max(minRequests, int(connections)/shareOfConnections)
	return &inService{requests: newShares(math.MaxInt, perClient), bodies: newShares(math.MaxInt, perClient/2)}
}

// WithConnections tells the router how many connections its server keeps, by
// default [DefaultConnections]. One client may have requests in service on a
// sixteenth of them, and half of these may wait for the rest of their body; a
// network has up to four times as many (see [ClientNetworks]). Beyond that the
// answer is 503 with Retry-After. Streams do not count, since [Streams] bounds them,
// nor do probes.
func WithConnections(n Connections) Option {
	return func(rt *Router) { rt.inService = newInService(n) }
}

// bound answers 503 where a network of the client has its share already. It
// stands behind withClient and withAccessLog.
func (rt *Router) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, networks := scopeOf(r.Context()), ClientNetworks(r)
		if hasBody(r) {
			var end func()
			r, end = trackBody(w, r)
			defer end()
			if no := rt.inService.bodies.enter(networks, s.from.lifted); no.refused() {
				rt.refuse(w, r, no, "requests whose body has not arrived")
				return
			}
			defer bodyOf(w).onEnd(func() { rt.inService.bodies.leave(networks) })()
		}
		if !IsProbe(r) {
			if no := rt.inService.requests.enter(networks, s.from.lifted); no.refused() {
				rt.refuse(w, r, no, "requests in service")
				return
			}
			s.leave = func() { rt.inService.requests.leave(networks) }
			defer leaveService(r)
		}
		next.ServeHTTP(w, r)
	})
}

func (rt *Router) refuse(w http.ResponseWriter, r *http.Request, no refusal, of string) {
	WriteError(w, r, rt.outages, RetryIn(retryService, fmt.Errorf("%s has %d %s", no.network, no.held, of)))
}

// leaveService has r no longer count as a request in service: it is done, or
// something else bounds how many there are of its kind.
func leaveService(r *http.Request) {
	if s := scopeOf(r.Context()); s != nil && s.leave != nil {
		s.leave()
		s.leave = nil
	}
}

// shareLifted reports whether the client stands for so many that it has no share;
// see [crowds].
func shareLifted(r *http.Request) bool {
	s := scopeOf(r.Context())
	return s != nil && s.from.lifted
}

// How fast a body must arrive so that its connection keeps its place when places
// are short: there is a start of two seconds, and then so many bytes a second.
const (
	bodyPatience = 2 * time.Second
	bodyRate     = 8 << 10
)

// requestBody is the body of a request. It knows whether it has been read to its
// end, and tells the server's places while its client is waited for.
type requestBody struct {
	io.ReadCloser
	place *place // nil without [Serve]
	begun time.Time
	n     int64
	ended atomic.Bool
	leave func() // called once, at the end
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// trackBody gives r a requestBody. If the handler does not read that to its end,
// the answer closes the connection, and end keeps net/http from reading what
// remains: up to 256 KiB, for as long as the client likes to send it.
func trackBody(w http.ResponseWriter, r *http.Request) (tracked *http.Request, end func()) {
	body := &requestBody{ReadCloser: r.Body, place: placeOf(r)}
	if rec := recorderOf(w); rec != nil {
		rec.body = body
	}
	// A copy: net/http looks at the type of the original's body.
	tracked = r.WithContext(r.Context())
	tracked.Body = body
	return tracked, func() {
		if !body.ended.Load() {
			// A writer that is no connection, as in tests, has nothing to read.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now())
		}
	}
}

func bodyOf(w http.ResponseWriter) *requestBody { return recorderOf(w).body }

// onEnd has leave called when the body has ended, or else by the function that it
// returns.
func (b *requestBody) onEnd(leave func()) (end func()) {
	var left atomic.Bool
	b.leave = func() {
		if !left.Swap(true) {
			leave()
		}
	}
	return b.leave
}

// Read implements [io.Reader].
func (b *requestBody) Read(p []byte) (int, error) {
	if b.place != nil {
		if b.begun.IsZero() {
			b.begun = time.Now()
		}
		b.place.awaitClient(b.begun.Add(bodyPatience + time.Duration(b.n)*time.Second/bodyRate))
	}
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if b.place != nil {
		b.place.heardClient()
	}
	if errors.Is(err, io.EOF) {
		b.ended.Store(true)
		if b.leave != nil {
			b.leave()
		}
	}
	return n, err
}

// closeIfUnread has an answer whose header is about to be written close the
// connection if body has not been read to its end.
func closeIfUnread(header http.Header, body *requestBody) {
	if body != nil && !body.ended.Load() {
		header.Set("Connection", "close")
	}
}
