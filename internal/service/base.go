package service

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busprom"
	"newsfeed/internal/event"
	"newsfeed/internal/telemetry"
	"newsfeed/internal/web"
)

// Base is what a service stands on: the bus, and what it tells of itself.
type Base struct {
	Bus       *bus.Bus
	Telemetry *telemetry.Telemetry

	client  redis.UniversalClient
	metrics *busprom.Metrics
	counts  *counts
	log     *slog.Logger
}

// Connect opens the bus that the configuration names for the service of that name.
// Nothing is sent yet. Close ends it.
func Connect(ctx context.Context, name string, cfg web.Config, log *slog.Logger) (*Base, error) {
	client, err := bus.Connect(string(cfg.RedisURL))
	if err != nil {
		return nil, &web.ConfigError{Variable: "REDIS_URL", Err: err}
	}
	t, err := telemetry.Start(ctx, name, cfg.Instance, cfg.TraceConfig, log)
	if err != nil {
		return nil, err
	}
	if err := t.Redis(client); err != nil {
		return nil, err
	}
	base := &Base{
		Telemetry: t, client: client, log: log, counts: newCounts(),
		metrics: busprom.New(t.Metrics, event.Types()),
	}
	base.Bus = bus.New(ctx, client, bus.Options{
		Log: log, Tracer: t.Tracer(), ObserveBatch: base.metrics.ObserveBatch,
		Drain: time.Duration(cfg.DrainTimeout),
		Observe: func(o bus.Outcome) {
			base.counts.add(o)
			base.metrics.Observe(o)
		},
	})
	return base, nil
}

// Close ends the bus and its connections, when nothing uses it any more.
func (b *Base) Close() {
	b.Bus.Close()
	b.log.Info("stopped", "entries", b.counts)
	if err := b.client.Close(); err != nil {
		b.log.Warn("closing the connections to Redis", "error", err)
	}
	b.Telemetry.Close()
}

// watch shows what the service reads and writes among the metrics. The groups that
// read its stream are shown by it, their owner, so that one that has stopped is seen
// to fall behind.
func (b *Base) watch(s Service) {
	look := busprom.Look{Dead: s.Dead}
	if s.Dead == nil {
		look.Dead = []string{s.Name}
	}
	if types := typesOn(event.Stream(s.Name)); len(types) > 0 {
		look.Streams = append(look.Streams, event.Stream(s.Name))
		b.metrics.Writes(event.Stream(s.Name), types)
	}
	if len(s.Streams) > 0 {
		look.Streams = append(look.Streams, bus.RedriveStream(s.Name))
		reads := map[string][]string{}
		for _, stream := range s.Streams {
			reads[stream] = typesOn(stream)
		}
		b.metrics.Reads(s.Name, reads, event.Stream(s.Name))
	}
	if s.View {
		look.View, look.ViewOf = s.Name, s.Streams
	}
	busprom.Watch(b.Telemetry.Metrics, b.Bus, look)
}

// typesOn returns the types of events that live on a stream.
func typesOn(stream string) []string {
	return slices.DeleteFunc(event.Types(), func(typ string) bool { return event.Stream(event.Owner(typ)) != stream })
}
