package posts

import (
	"context"
	"log/slog"

	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// Config is what the service can be told by environment variables.
type Config struct {
	web.Config
	// EditKey makes the edit tokens; without it a random key is kept in Redis.
	EditKey web.Keys `env:"EDIT_KEY"`
	// AdminToken changes and deletes every post.
	AdminToken web.Tokens `env:"ADMIN_TOKEN"`
	// PostToken, if set, is needed to make a post.
	PostToken web.Tokens    `env:"POST_TOKEN"`
	RateLimit web.RateLimit `env:"RATE_LIMIT"`
}

// Run serves and consumes until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	base, err := service.Connect(ctx, event.Posts, cfg.Config, log)
	if err != nil {
		return err
	}
	defer base.Close()
	b := base.Bus
	s := newStore(b, cfg.EditKey)
	a := api{
		store: s, limits: service.NewRateLimit(b, event.Posts, cfg.RateLimit, cfg.AdminToken),
		admin: cfg.AdminToken, post: cfg.PostToken,
	}
	return service.Service{
		Name: event.Posts, Port: Port, Config: cfg.Config, Log: log,
		Tokens: map[string]web.Tokens{"ADMIN_TOKEN": cfg.AdminToken, "POST_TOKEN": cfg.PostToken},
		Routes: a.routes, Streams: []string{stream, event.Stream(event.Moderator)}, Handle: s.handle,
	}.Run(ctx, base)
}
