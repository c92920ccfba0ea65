package comments

import (
	"context"
	"log/slog"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// Config is what the service can be told by environment variables.
type Config struct {
	web.Config
	web.StreamConfig
	// EditKey makes the edit tokens, and has 32 bytes or more; without it a random
	// key is kept in Redis.
	EditKey web.Secret `env:"EDIT_KEY"`
	// AdminToken shows, changes and deletes every comment.
	AdminToken web.Tokens    `env:"ADMIN_TOKEN"`
	RateLimit  web.RateLimit `env:"RATE_LIMIT"`
}

// Validate refuses what cannot work.
func (c *Config) Validate() error { return service.CheckEditKey(c.EditKey) }

// Run serves and consumes until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	base, err := service.Connect(ctx, event.Comments, cfg.Config, log)
	if err != nil {
		return err
	}
	defer base.Close()
	b := base.Bus
	s := &store{bus: b, keys: service.NewEditKey(b, keyKey, cfg.EditKey)}
	c := &consumer{store: s, awaited: map[bus.ID]bus.ID{}}
	a := api{
		store: s, limits: service.NewRateLimit(b, event.Comments, cfg.RateLimit, cfg.AdminToken), admin: cfg.AdminToken,
		streams: web.NewStreams(log, cfg.StreamOptions()), watchers: newWatchers(),
	}
	base.Telemetry.Streams(a.streams)
	return service.Service{
		Name: event.Comments, Port: Port, Config: cfg.Config, Log: log,
		Tokens:  map[string]web.Tokens{"ADMIN_TOKEN": cfg.AdminToken},
		Routes:  a.routes,
		Streams: []string{event.Stream(event.Posts), event.Stream(event.Moderator), stream},
		Handle:  c.handle,
		Work: func(ctx context.Context) error {
			a.watchers.follow(ctx, b)
			return nil
		},
	}.Run(ctx, base)
}
