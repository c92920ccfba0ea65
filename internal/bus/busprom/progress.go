package busprom

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"newsfeed/internal/bus"
)

// Look says what of a bus to look at.
type Look struct {
	// Streams are those whose groups are shown. Whoever owns a stream shows them,
	// so that a group's lag is seen also while nobody of the group runs.
	Streams []string
	// Dead are the groups whose dead letters are counted.
	Dead []string
	// View, if set, is the group whose handling makes a view of the streams ViewOf.
	View   string
	ViewOf []string
}

// progress shows how far the groups of streams have come.
type progress struct {
	bus  *bus.Bus
	look Look

	length, lag, waiting, pending, oldest, consumers, dead, stale *prometheus.Desc
}

// Watch registers what b knows of streams, groups and dead letters, and of its own
// line of writes.
func Watch(reg prometheus.Registerer, b *bus.Bus, look Look) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	p := &progress{
		bus: b, look: look,
		length: desc("newsfeed_stream_entries", "Entries that a stream holds.", "stream"),
		lag: desc("newsfeed_group_lag",
			"Entries of a stream that a group has not been given yet; absent where Redis cannot say.", "stream", "group"),
		waiting: desc("newsfeed_group_waiting_seconds",
			"Age of the oldest entry that a group has not been given yet, 0 if there is none.", "stream", "group"),
		pending: desc("newsfeed_group_pending",
			"Entries that a group has been given and has not acknowledged.", "stream", "group"),
		oldest: desc("newsfeed_group_oldest_pending_seconds",
			"Age of the oldest entry that a group has been given and has not acknowledged, 0 if there is none.", "stream", "group"),
		consumers: desc("newsfeed_group_consumers", "Consumers of a group on a stream, running or not.", "stream", "group"),
		dead:      desc("newsfeed_dead_letters", "Dead letters that a group has now.", "group"),
		stale: desc("newsfeed_view_staleness_seconds",
			"Age of the oldest entry that is not in the view yet, 0 if all are."),
	}
	reg.MustRegister(
		NewPoll("streams", p.read, p.length, p.lag, p.waiting, p.pending, p.oldest, p.consumers, p.dead, p.stale),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "newsfeed_commit_queue", Help: "Changes that wait to be sent to Redis.",
		}, func() float64 { return float64(b.Waiting()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "newsfeed_redis_memory_used_ratio",
			Help: "Share of Redis's maxmemory that is used, 0 without one; from 0.9 on new texts are refused.",
		}, func() float64 { return b.Memory().Share() }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "newsfeed_texts_refused_total", Help: "New texts refused because Redis is nearly full.",
		}, func() float64 { return float64(b.TextsRefused()) }),
	)
}

func (p *progress) read(ctx context.Context) ([]prometheus.Metric, error) {
	var all []prometheus.Metric
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...))
	}
	for _, stream := range p.look.Streams {
		at, err := p.bus.Progress(ctx, stream)
		if err != nil {
			return nil, err
		}
		gauge(p.length, float64(at.Length), stream)
		for _, g := range at.Groups {
			if g.Lag != nil {
				gauge(p.lag, float64(*g.Lag), stream, g.Name)
			}
			gauge(p.waiting, g.Waiting.Seconds(), stream, g.Name)
			gauge(p.pending, float64(g.Pending), stream, g.Name)
			gauge(p.oldest, g.OldestPending.Seconds(), stream, g.Name)
			gauge(p.consumers, float64(g.Consumers), stream, g.Name)
		}
	}
	for _, group := range p.look.Dead {
		n, err := p.bus.DeadCount(ctx, group)
		if err != nil {
			return nil, err
		}
		gauge(p.dead, float64(n), group)
	}
	if p.look.View == "" {
		return all, nil
	}
	stale, err := p.staleness(ctx)
	gauge(p.stale, stale, nil...)
	return all, err
}

func (p *progress) staleness(ctx context.Context) (seconds float64, err error) {
	for _, stream := range p.look.ViewOf {
		at, err := p.bus.Progress(ctx, stream)
		if err != nil {
			return 0, err
		}
		for _, g := range at.Groups {
			if g.Name == p.look.View {
				seconds = max(seconds, g.Behind().Seconds())
			}
		}
	}
	return seconds, nil
}
