package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busotel"
	"newsfeed/internal/bus/busprom"
	"newsfeed/internal/event"
)

// How much of a commit can be seen.
const (
	unseen = "the bus with nobody looking"
	traced = "the bus with traces on"
)

// measureSeen compares Bus.Commit as the services have it, counted and with traces
// off, with a bus that nobody looks into, and with one whose spans are made and
// batched, and then dropped.
func measureSeen(ctx context.Context, s *stage) ([]*row, error) {
	const each = 600
	db, err := s.redis(ctx, everysec)
	if err != nil {
		return nil, err
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(nowhere{}))
	defer func() { _ = provider.Shutdown(context.WithoutCancel(ctx)) }()
	speed := &row{Key: "commit-seen", What: "commit, 64 goroutines, counted, traces off", Unit: "commits/s", Bounds: []bound{least(0.9, unseen)}}
	tail := &row{Key: "commit-seen-p99", What: "commit, 64 goroutines, counted, traces off, p99", Unit: "ms", Less: true}
	turns := 0 // so that no id comes twice
	committing := func(name string, opt bus.Options) contestant {
		return contestant{name, func(ctx context.Context, _ int) ([]float64, error) {
			turns++
			w, err := prepare(each, newPost(fmt.Sprintf("seen%d", turns)))
			if err != nil {
				return nil, err
			}
			opt.Log = slog.New(slog.DiscardHandler)
			b := bus.New(ctx, db, opt)
			defer b.Close()
			return grown(ctx, db.Client, postStream, w.len(), func() ([]float64, error) {
				return side(ctx, w, func(ctx context.Context, c bus.Change) error {
					_, err := b.Commit(ctx, c)
					return err
				})
			})
		}}
	}
	counted, also := busprom.New(prometheus.NewRegistry(), event.Types()), busprom.New(prometheus.NewRegistry(), event.Types())
	rows := []*row{speed, tail}
	return rows, s.rounds(ctx, rows,
		committing(newsfeed, bus.Options{Observe: counted.Observe, ObserveBatch: counted.ObserveBatch}),
		committing(unseen, bus.Options{}),
		committing(traced, bus.Options{Observe: also.Observe, ObserveBatch: also.ObserveBatch, Tracer: busotel.New(provider)}),
	)
}

// nowhere is where spans are dropped.
type nowhere struct{}

// ExportSpans implements [sdk.SpanExporter].
func (nowhere) ExportSpans(context.Context, []sdk.ReadOnlySpan) error { return nil }

// Shutdown implements [sdk.SpanExporter].
func (nowhere) Shutdown(context.Context) error { return nil }
