package eventbus

import (
	"context"
	"log/slog"
	"sync"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// Config is what the service can be told by environment variables.
type Config struct {
	web.Config
	// BusToken is asked of everyone; without it only this machine is answered.
	BusToken web.Tokens `env:"BUS_TOKEN"`
	// Subscribers get every event by POST.
	Subscribers SubscriberList `env:"SUBSCRIBERS"`
	// SubscriberSecrets sign what is pushed.
	SubscriberSecrets web.Secret `env:"SUBSCRIBER_SECRETS"`
}

// Run serves and pushes until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	return run(ctx, cfg, log, times{})
}

func run(ctx context.Context, cfg Config, log *slog.Logger, t times) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	base, err := service.Connect(ctx, event.EventBus, cfg.Config, log)
	if err != nil {
		return err
	}
	defer base.Close()
	b := base.Bus
	// Nothing here is for pages of other origins: it shows what is not public.
	cfg.CORSOrigins = nil
	merge := b.Merge(streams()...)
	a := api{
		store: newStore(b), merge: merge, token: cfg.BusToken,
		streams: web.NewStreams(log, web.StreamOptions{}), patience: pagePatience,
	}
	base.Telemetry.Streams(a.streams)
	up := newSubscriberUp()
	base.Telemetry.Metrics.MustRegister(up)
	all, dead := pushers(a.store, merge, cfg, log, t.withDefaults(), up), []string{}
	for _, p := range all {
		dead = append(dead, groupOf(p.sub.name()))
	}
	return service.Service{
		Name: event.EventBus, Port: Port, Config: cfg.Config, Log: log,
		Tokens: map[string]web.Tokens{"BUS_TOKEN": cfg.BusToken},
		Routes: a.routes, Dead: dead,
		Work: func(ctx context.Context) error {
			var wg sync.WaitGroup
			wg.Go(func() { merge.Watch(ctx) })
			for _, p := range all {
				wg.Go(func() { p.run(ctx) })
			}
			wg.Wait()
			return nil
		},
	}.Run(ctx, base)
}

// pushers returns one for each subscriber.
func pushers(s *store, merge *bus.Merge, cfg Config, log *slog.Logger, t times, up *prometheus.GaugeVec) []*pusher {
	subscribers, _ := cfg.subscribers() // validated at the start
	client, replica := newClient(), uuid.NewString()
	var all []*pusher
	for _, sub := range subscribers {
		log := log.With("subscriber", sub.shown())
		all = append(all, &pusher{
			sub: sub, replica: replica, store: s, merge: merge, client: client, times: t, log: log,
			health: &health{log: log, report: func(ctx context.Context, state PushState) error {
				up.WithLabelValues(sub.name()).Set(takes(state))
				return s.report(ctx, sub.name(), state)
			}},
		})
	}
	return all
}

// newSubscriberUp shows whether subscribers take events. A replica shows those that
// it has pushed to.
func newSubscriberUp() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "newsfeed_subscriber_up", Help: "1 if the subscriber takes events, 0 if not.",
	}, []string{"subscriber"})
}

func takes(state PushState) float64 {
	if state.State == string(pushWorking) {
		return 1
	}
	return 0
}
