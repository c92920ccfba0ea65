// Package service is the frame in which every service runs: it connects to
// Redis, serves HTTP and consumes events until it is told to stop, and then
// puts down what it has in hand.
package service

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// Service is what makes one service different from another.
type Service struct {
	// Name is the service's, and its consumer group's.
	Name string
	// Port is where it listens on loopback unless Config says otherwise.
	Port   int
	Config web.Config
	// Tokens are those that open guarded routes, by the variables that set them.
	Tokens map[string]web.Tokens
	Log    *slog.Logger

	// Routes adds the service's own routes.
	Routes func(rt *web.Router)
	// Streams are read, and each entry given to Handle. A service may have none.
	Streams []string
	Handle  bus.Handler
	// Ready, if set, says whether the service can answer; else that is whether Redis
	// does.
	Ready func(ctx context.Context) error
	// Work, if set, runs beside the rest until its context ends.
	Work func(ctx context.Context) error
	// Dead are the groups whose dead letters are the service's; if nil, its own.
	Dead []string
	// View says that what Handle makes of the Streams is a view, which can be stale.
	View bool
}

// Run runs the service on base until ctx ends, and returns nil after a clean stop.
// While Redis is away it answers that it is not ready, and waits.
func (s Service) Run(ctx context.Context, base *Base) error {
	b := base.Bus
	ready := b.Ready
	if s.Ready != nil {
		ready = s.Ready
	}
	probes := web.NewProbes(ready)
	rt := web.NewRouter(s.Log, append(base.Telemetry.Options(),
		web.WithCORS(s.Config.CORSOrigins), web.WithTrustedProxies(s.Config.TrustedProxies),
		web.WithConnections(s.Config.MaxConnections))...)
	probes.Routes(rt)
	s.Routes(rt)
	base.watch(s)
	base.Telemetry.Routes(rt)
	s.warn()

	ctx, cancel := web.Linger(ctx, probes, time.Duration(s.Config.DrainDelay))
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	port := make(chan int, 1)
	g.Go(func() error {
		return web.Serve(ctx, web.Server{
			Handler: rt, Log: s.Log, Addr: string(s.Config.ListenAddr), Port: s.Port, Probes: probes,
			Drain:  time.Duration(s.Config.DrainTimeout),
			Limits: web.Limits{Connections: int(s.Config.MaxConnections)},
			OnListen: func(addrs []net.Addr) {
				if tcp, ok := addrs[0].(*net.TCPAddr); ok {
					port <- tcp.Port
				}
			},
		})
	})
	g.Go(func() error { return s.consume(ctx, b, port) })
	g.Go(func() error { b.WatchMemory(ctx); return nil })
	if s.Work != nil {
		g.Go(func() error { return s.Work(ctx) })
	}
	return g.Wait()
}

// warn says which tokens protect less than they seem to. A Host is only what the
// client says: the token that everyone knows is safe where nobody else's requests
// arrive, as in a container whose port is published on loopback.
func (s Service) warn() {
	for variable, tokens := range s.Tokens {
		if slices.Contains(tokens, web.DevelopmentToken) && !s.Config.ListenAddr.Loopback() {
			s.Log.Warn("this token is known to everyone and only good for trying things out: it opens what is guarded "+
				"to any request addressed to localhost; set one of your own unless only this machine can connect",
				"variable", variable, "address", string(s.Config.ListenAddr))
		}
	}
}

// consume reads the streams under the name of this replica, which by default is
// made from the port, so that it stays the same over restarts.
func (s Service) consume(ctx context.Context, b *bus.Bus, port <-chan int) error {
	var name web.Instance
	select {
	case p := <-port:
		var err error
		if name, err = s.Config.Instance.Or(p); err != nil {
			return err
		}
	case <-ctx.Done():
		return nil
	}
	err := bus.WaitReady(ctx, b.Redis(), s.Log)
	switch {
	case errors.Is(err, bus.ErrTooOld):
		return &web.ConfigError{Variable: "REDIS_URL", Err: err}
	case ctx.Err() != nil:
		return nil
	case err != nil || len(s.Streams) == 0:
		return err
	}
	return b.Consume(ctx, bus.Subscription{Group: s.Name, Consumer: string(name), Streams: s.Streams, Own: s.Name}, s.Handle)
}
