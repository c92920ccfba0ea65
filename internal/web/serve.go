package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	// idleTimeout is longer than load balancers keep connections (60 s), so that
	// they are the ones to close them.
	idleTimeout    = 90 * time.Second
	maxHeaderBytes = 16 << 10
	// DefaultDrain leaves, of the 10 s after which a container is killed, two for
	// what a service does after it has stopped to answer.
	DefaultDrain = 8 * time.Second
	// grace is what handlers get to answer once their context has ended.
	grace = 500 * time.Millisecond
)

// Server is what [Serve] needs to know.
type Server struct {
	Handler  http.Handler
	Log      *slog.Logger
	Addr     string        // host:port, or :port for all interfaces; "" for Port on loopback
	Port     int           // used if Addr is empty; 0 is any free port
	Probes   *Probes       // told when draining begins; may be nil
	Drain    time.Duration // how long running requests may take at the end; 0 is DefaultDrain
	Limits   Limits
	OnListen func(addrs []net.Addr) // called once, when connections are accepted; may be nil
}

// Limits bound what slow, endless and too many clients can hold. What is zero
// has its default.
type Limits struct {
	ReadHeader  time.Duration // from the first byte of a request to the end of its header
	Read        time.Duration // to the end of its body
	Write       time.Duration // from the end of its header to that of the answer
	Idle        time.Duration // between two requests of a connection
	HeaderBytes int
	Connections int // kept at once; see [DefaultConnections]
}

func (l Limits) withDefaults() Limits {
	return Limits{
		ReadHeader:  cmp.Or(l.ReadHeader, readHeaderTimeout),
		Read:        cmp.Or(l.Read, readTimeout),
		Write:       cmp.Or(l.Write, writeTimeout),
		Idle:        cmp.Or(l.Idle, idleTimeout),
		HeaderBytes: cmp.Or(l.HeaderBytes, maxHeaderBytes),
		Connections: cmp.Or(l.Connections, DefaultConnections),
	}
}

// Serve answers requests until ctx ends, then lets the running ones finish and
// returns nil. Their context outlives ctx by the drain time: a write that is
// under way when the service is told to stop goes through. Handlers that would
// go on for longer use [LongLived]. An error means that it could not listen or
// accept.
func Serve(ctx context.Context, s Server) error {
	listeners, err := listen(ctx, s.Addr, s.Port)
	if err != nil {
		return err
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stopping, stop := context.WithCancel(base)
	defer stop()
	limits := s.Limits.withDefaults()
	places := newPlaces(limits.Connections)
	handler := s.Handler
	if s.Probes != nil {
		handler = s.Probes.dismissing(handler)
	}
	srv := &http.Server{
		Handler:           places.answering(handler),
		ReadHeaderTimeout: limits.ReadHeader,
		ReadTimeout:       limits.Read,
		WriteTimeout:      limits.Write,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    limits.HeaderBytes,
		ConnState:         places.watch,
		ConnContext:       places.remember,
		// "OPTIONS *" is answered by the handler, like all else.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(base, stoppingKey{}, stopping)
		},
	}
	srv.RegisterOnShutdown(stop)

	g, gctx := errgroup.WithContext(ctx)
	addrs := make([]net.Addr, len(listeners))
	for i, l := range listeners {
		addrs[i] = l.Addr()
		g.Go(func() error {
			if err := srv.Serve(places.bound(l)); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve %s: %w", l.Addr(), err)
			}
			return nil
		})
	}
	g.Go(func() error {
		<-gctx.Done()
		if s.Probes != nil {
			s.Probes.Drain()
		}
		drain(srv, s.Log, cancel, s.Drain)
		return nil
	})
	s.Log.Info("listening", "addresses", addrs)
	if s.OnListen != nil {
		s.OnListen(addrs)
	}
	return g.Wait()
}

// drain shuts srv down: first it waits for running requests, then it ends their
// context, and at last it closes their connections.
func drain(srv *http.Server, log *slog.Logger, endRequests func(), limit time.Duration) {
	if limit == 0 {
		limit = DefaultDrain
	}
	patient, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if srv.Shutdown(patient) == nil {
		return
	}
	log.Warn("requests still run after the drain time and are ended", "drain", limit)
	endRequests()
	last, cancelLast := context.WithTimeout(context.Background(), grace)
	defer cancelLast()
	if srv.Shutdown(last) != nil {
		_ = srv.Close() // closes all it can; there is no one left to tell
	}
}
