package moderator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

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
	AdminToken web.Tokens `env:"ADMIN_TOKEN"`
	// Moderators lists who else may moderate; see [ParsePeople]. The file is read
	// again when it changes.
	Moderators     web.Secret `env:"MODERATORS"`
	ModeratorsFile string     `env:"MODERATORS_FILE"`

	// JudgeURL is asked about comments that no rule decides.
	JudgeURL     HookURL       `env:"JUDGE_URL"`
	JudgeSecret  web.Secret    `env:"JUDGE_SECRET"`
	JudgeTimeout time.Duration `env:"JUDGE_TIMEOUT" envDefault:"2s"`

	// HeldLimit is how long a comment may wait for a person before it is said, in
	// the log and to HeldWebhook.
	HeldLimit         time.Duration `env:"HELD_LIMIT" envDefault:"24h"`
	HeldWebhook       HookURL       `env:"HELD_WEBHOOK"`
	HeldWebhookSecret web.Secret    `env:"HELD_WEBHOOK_SECRET"`
}

// minSecret is the least length of a secret that signs, in bytes.
const minSecret = 16

// Validate refuses what cannot work.
func (c *Config) Validate() error {
	if _, err := ParsePeople([]byte(c.Moderators)); err != nil {
		return &web.ConfigError{Variable: "MODERATORS", Err: fmt.Errorf("is not a list of name:hash: %w", err)}
	}
	for _, hook := range []struct {
		url      HookURL
		secret   web.Secret
		variable string
	}{{c.JudgeURL, c.JudgeSecret, "JUDGE_SECRET"}, {c.HeldWebhook, c.HeldWebhookSecret, "HELD_WEBHOOK_SECRET"}} {
		if hook.url != "" && len(hook.secret) < minSecret {
			return &web.ConfigError{Variable: hook.variable, Err: fmt.Errorf("must be set, to %d bytes or more", minSecret)}
		}
	}
	if c.JudgeTimeout <= 0 || c.JudgeTimeout > maxJudgeTimeout {
		return &web.ConfigError{Variable: "JUDGE_TIMEOUT", Err: fmt.Errorf("is not a duration up to %s, such as 2s", maxJudgeTimeout)}
	}
	if c.HeldLimit <= 0 {
		return &web.ConfigError{Variable: "HELD_LIMIT", Err: errors.New("is not a duration such as 24h")}
	}
	return nil
}

// judge returns the external judge, nil if there is none.
func (c *Config) judge(log *slog.Logger) *judge {
	if c.JudgeURL == "" {
		return nil
	}
	return newJudge(newWebhook(c.JudgeURL, c.JudgeSecret, c.JudgeTimeout), log)
}

const (
	// filePoll is how soon a changed file is noticed.
	filePoll = 2 * time.Second
	// alarmTimeout bounds one call of the webhook.
	alarmTimeout = 10 * time.Second
)

// Run serves and consumes until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	rules, err := OpenRules(cfg.RulesFile)
	if err != nil {
		return &web.ConfigError{Variable: "RULES_FILE", Err: err}
	}
	people, err := open("moderators", cfg.ModeratorsFile, string(cfg.Moderators), maxPeopleBytes, ParsePeople)
	if err != nil {
		return &web.ConfigError{Variable: "MODERATORS_FILE", Err: err}
	}
	base, err := service.Connect(ctx, event.Moderator, cfg.Config, log)
	if err != nil {
		return err
	}
	defer base.Close()
	b := base.Bus
	s := newStore(b)
	c := &consumer{store: s, rules: rules, judge: cfg.judge(log)}
	dog := watchdog{store: s, limit: cfg.HeldLimit, every: heldPoll, log: log}
	if cfg.HeldWebhook != "" {
		dog.hook = newWebhook(cfg.HeldWebhook, cfg.HeldWebhookSecret, alarmTimeout)
	}
	a := api{store: s, rules: rules, judged: c.judge != nil, door: door{people, cfg.AdminToken}, limit: cfg.HeldLimit, log: log}
	base.Telemetry.Metrics.MustRegister(newQueueMetrics(s))
	return service.Service{
		Name: event.Moderator, Port: Port, Config: cfg.Config, Log: log,
		Tokens:  map[string]web.Tokens{"ADMIN_TOKEN": cfg.AdminToken},
		Routes:  a.routes,
		Streams: []string{event.Stream(event.Comments), event.Stream(event.Posts)},
		Handle:  c.handle,
		Work: func(ctx context.Context) error {
			var g errgroup.Group
			g.Go(func() error { rules.Watch(ctx, filePoll, log); return nil })
			g.Go(func() error { people.Watch(ctx, filePoll, log); return nil })
			g.Go(func() error { dog.run(ctx); return nil })
			return g.Wait()
		},
	}.Run(ctx, base)
}
