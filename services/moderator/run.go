package moderator

import (
	"context"
	"log/slog"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// Config is what the service can be told by environment variables.
type Config struct {
	web.Config
	// RulesFile is read again when it changes; without it the default rules hold.
	RulesFile string `env:"RULES_FILE"`
	// AdminToken opens /moderation from elsewhere than this machine.
	AdminToken web.Secret `env:"ADMIN_TOKEN"`
}

// rulesPoll is how soon a changed file of rules is noticed.
const rulesPoll = 2 * time.Second

// Run serves and consumes until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	rules, err := OpenRules(cfg.RulesFile)
	if err != nil {
		return &web.ConfigError{Variable: "RULES_FILE", Err: err}
	}
	b, closeBus, err := service.Connect(ctx, cfg.Config, log)
	if err != nil {
		return err
	}
	defer closeBus()
	c := &consumer{store: &store{b}, rules: rules}
	return service.Service{
		Name: event.Moderator, Port: Port, Config: cfg.Config, Log: log,
		Tokens:  map[string]web.Secret{"ADMIN_TOKEN": cfg.AdminToken},
		Routes:  api{rules, cfg.AdminToken}.routes,
		Streams: []string{event.Stream(event.Comments)},
		Handle:  c.handle,
		Work: func(ctx context.Context) error {
			rules.Watch(ctx, rulesPoll, log)
			return nil
		},
	}.Run(ctx, b)
}
