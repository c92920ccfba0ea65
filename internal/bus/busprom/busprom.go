// Package busprom counts what package bus does, and shows how far the groups of a
// stream have come, as metrics for Prometheus.
//
// Its labels have few values whatever comes over the bus: streams and groups are
// those of the configuration, at most [bus.MaxProgress] groups of a stream, and of
// the types of events those that the reader knows, with "other" for the rest.
package busprom

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"newsfeed/internal/bus"
)

// Metrics is what one process does on a bus. Its Observe and ObserveBatch go into
// [bus.Options].
type Metrics struct {
	types []string

	published *prometheus.CounterVec
	consumed  *prometheus.CounterVec
	retries   *prometheus.CounterVec
	dead      *prometheus.CounterVec
	handling  *prometheus.HistogramVec
	publish   prometheus.Histogram
	batch     prometheus.Histogram
	lost      *prometheus.CounterVec
	taken     *prometheus.CounterVec
	stopped   *prometheus.GaugeVec
}

// other stands for the types that the vocabulary does not have.
const other = "other"

// New returns the metrics of a process that knows these types of events, and
// registers them.
func New(reg prometheus.Registerer, types []string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		types: types,
		published: counter("newsfeed_events_published_total",
			"Events written to a stream.", "stream", "type"),
		consumed: counter("newsfeed_events_consumed_total",
			"Entries that a group is done with, by outcome: handled, own (written by itself, nothing to do), ignored, unknown (a type that nobody here knows) or died (a dead letter).",
			"stream", "group", "type", "outcome"),
		retries: counter("newsfeed_event_retries_total",
			"Attempts to handle an entry that failed and are followed by another.", "stream", "group", "type"),
		dead: counter("newsfeed_events_dead_total",
			"Entries that became dead letters.", "stream", "group"),
		handling: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "newsfeed_event_handling_seconds", Help: "Time that a handler took for an entry, each attempt by itself.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30},
		}, []string{"group", "type"}),
		publish: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "newsfeed_publish_seconds", Help: "Time from a write with an event to Redis's answer, waiting in line included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "newsfeed_commit_batch_size", Help: "Changes that one call of Redis carries.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128},
		}),
		lost: counter("newsfeed_entries_lost_total",
			"Entries that were trimmed from their stream before they were handled.", "stream", "group"),
		taken: counter("newsfeed_entries_taken_over_total",
			"Entries taken up that nobody had in hand: of a replica that died, or whose delivery was lost.", "stream", "group"),
		stopped: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "newsfeed_consumer_stopped",
			Help: "1 while this replica takes no new entries: braked because too many fail, away because Redis or the like does not answer, or paused by an operator.",
		}, []string{"stream", "group", "reason"}),
	}
	reg.MustRegister(m.published, m.consumed, m.retries, m.dead, m.handling, m.publish, m.batch, m.lost, m.taken, m.stopped)
	return m
}

// Reads makes the series of a group appear with 0, so that the first of a kind is
// seen to be more. It reads these streams, each with the types of events there; own
// is the one of them, if any, in which it passes over what it wrote itself.
func (m *Metrics) Reads(group string, streams map[string][]string, own string) {
	for _, stream := range append(slices.Collect(maps.Keys(streams)), bus.RedriveStream(group)) {
		m.dead.WithLabelValues(stream, group)
		m.lost.WithLabelValues(stream, group)
		m.taken.WithLabelValues(stream, group)
		for _, reason := range []bus.Happening{bus.Braked, bus.Away, bus.Paused} {
			m.stopped.WithLabelValues(stream, group, string(reason))
		}
		for _, t := range append(slices.Clone(streams[stream]), other) {
			m.retries.WithLabelValues(stream, group, t)
			m.consumed.WithLabelValues(stream, group, t, string(bus.Handled))
			m.handling.WithLabelValues(group, t)
		}
	}
	for _, t := range streams[own] {
		m.consumed.WithLabelValues(own, group, t, string(bus.Own))
	}
}

// Writes does so for a process that writes events of these types to the stream.
func (m *Metrics) Writes(stream string, types []string) {
	for _, t := range types {
		m.published.WithLabelValues(stream, m.typeOf(t))
	}
}

func (m *Metrics) typeOf(typ string) string {
	if slices.Contains(m.types, typ) {
		return typ
	}
	return other
}

// ObserveBatch is for [bus.Options].
func (m *Metrics) ObserveBatch(changes int) { m.batch.Observe(float64(changes)) }

// Observe is for [bus.Options].
func (m *Metrics) Observe(o bus.Outcome) {
	typ := m.typeOf(o.Entry.Event.Type)
	switch o.What {
	case bus.Published:
		m.published.WithLabelValues(o.Stream, typ).Inc()
		m.publish.Observe(o.Took.Seconds())
	case bus.Handled, bus.Unknown, bus.Ignored:
		m.consumed.WithLabelValues(o.Stream, o.Group, typ, string(o.What)).Inc()
		m.handling.WithLabelValues(o.Group, typ).Observe(o.Took.Seconds())
	case bus.Own:
		m.consumed.WithLabelValues(o.Stream, o.Group, typ, string(o.What)).Inc()
	case bus.Died:
		m.consumed.WithLabelValues(o.Stream, o.Group, typ, string(o.What)).Inc()
		m.dead.WithLabelValues(o.Stream, o.Group).Inc()
		m.handling.WithLabelValues(o.Group, typ).Observe(o.Took.Seconds())
	case bus.Retried:
		m.retries.WithLabelValues(o.Stream, o.Group, typ).Inc()
		m.handling.WithLabelValues(o.Group, typ).Observe(o.Took.Seconds())
	case bus.Deferred:
		m.handling.WithLabelValues(o.Group, typ).Observe(o.Took.Seconds())
	case bus.Lost:
		m.lost.WithLabelValues(o.Stream, o.Group).Inc()
	case bus.TakenOver:
		m.taken.WithLabelValues(o.Stream, o.Group).Inc()
	case bus.Braked, bus.Away, bus.Paused:
		m.stopped.WithLabelValues(o.Stream, o.Group, string(o.What)).Set(1)
	case bus.Resumed:
		m.stopped.WithLabelValues(o.Stream, o.Group, string(bus.Paused)).Set(0)
	case bus.Recovered:
		for _, reason := range []bus.Happening{bus.Braked, bus.Away} {
			m.stopped.WithLabelValues(o.Stream, o.Group, string(reason)).Set(0)
		}
	}
}
