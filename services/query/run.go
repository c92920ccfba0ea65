package query

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// Config is what the service can be told by environment variables.
type Config struct {
	web.Config
	web.StreamConfig
	// ReadLimit is how many answers that are not kept one client network may ask for.
	ReadLimit web.RateLimit `env:"READ_LIMIT" envDefault:"100/s,burst=1000"`
	// PublicURL is where readers find the page: the feeds' links lead there.
	PublicURL PublicURL `env:"PUBLIC_URL" envDefault:"http://localhost:3000"`
}

// Run serves and consumes until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	base, err := service.Connect(ctx, event.Query, cfg.Config, log)
	if err != nil {
		return err
	}
	defer base.Close()
	b := base.Bus
	s := newStore(b)
	h := newHub(s, log)
	h.cache.limits = newReadLimits(cfg.ReadLimit)
	streams := newStreams(log, cfg.StreamOptions())
	base.Telemetry.Streams(streams)
	return service.Service{
		Name: event.Query, Port: Port, Config: cfg.Config, Log: log,
		Routes:  api{s, h, newLive(h, streams, log), feeds{s, h.cache, cfg.PublicURL}}.routes,
		Streams: []string{event.Stream(event.Posts), event.Stream(event.Comments)},
		Handle:  s.handle, View: true,
		Ready: func(ctx context.Context) error {
			if h.cache.servable() {
				return nil
			}
			return b.Ready(ctx)
		},
		Work: func(ctx context.Context) error {
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return h.run(ctx) })
			g.Go(func() error { return newKeeper(s, log).run(ctx) })
			return g.Wait()
		},
	}.Run(ctx, base)
}
