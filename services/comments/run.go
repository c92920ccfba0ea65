package comments

import (
	"context"
	"fmt"
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
	// EditKey makes the edit tokens; without it a random key is kept in Redis.
	EditKey web.Keys `env:"EDIT_KEY"`
	// AuthorKeys make the keys by which authors and networks are known; without them
	// EditKey does.
	AuthorKeys web.Keys `env:"AUTHOR_KEYS"`
	// AdminToken shows, changes and deletes every comment.
	AdminToken web.Tokens    `env:"ADMIN_TOKEN"`
	RateLimit  web.RateLimit `env:"RATE_LIMIT"`
}

// Validate refuses what cannot work.
func (c *Config) Validate() error {
	if len(c.AuthorKeys) > event.MaxKeys {
		return &web.ConfigError{Variable: "AUTHOR_KEYS", Err: fmt.Errorf("must have at most %d keys", event.MaxKeys)}
	}
	return nil
}

// Run serves and consumes until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	base, err := service.Connect(ctx, event.Comments, cfg.Config, log)
	if err != nil {
		return err
	}
	defer base.Close()
	b := base.Bus
	s := newStore(b, cfg.EditKey, cfg.AuthorKeys)
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
