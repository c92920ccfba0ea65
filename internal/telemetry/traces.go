package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busotel"
	"newsfeed/internal/web"
)

// closeTimeout bounds the sending of the last spans when the service stops.
const closeTimeout = time.Second

// traces is the way of a service's spans.
type traces struct {
	provider *sdk.TracerProvider
	exporter *exporter
	log      *slog.Logger
}

func startTraces(ctx context.Context, service string, instance web.Instance, cfg web.TraceConfig, log *slog.Logger) (*traces, error) {
	client := otlptracehttp.NewClient()
	if cfg.GRPC() {
		client = otlptracegrpc.NewClient()
	}
	out, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	name := service
	if cfg.TracesService != "" {
		name = cfg.TracesService
	}
	version, _ := web.Build()
	attrs := []resource.Option{
		resource.WithAttributes(semconv.ServiceNamespace("newsfeed"), semconv.ServiceVersion(version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(semconv.ServiceName(name)),
	}
	if instance != "" {
		attrs = append(attrs, resource.WithAttributes(semconv.ServiceInstanceID(string(instance))))
	}
	res, err := resource.New(ctx, attrs...)
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	e := newExporter(out, log)
	return &traces{provider: sdk.NewTracerProvider(sdk.WithBatcher(e), sdk.WithResource(res)), exporter: e, log: log}, nil
}

func (t *traces) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Info("the last spans could not be sent", "error", err)
	}
}

// SpanOption changes how requests are shown as spans.
type SpanOption = otelhttp.Option

// Public is for a server that everyone reaches: each request begins a trace, which
// is linked to the one that the client names, so that nobody outside chooses what is
// recorded.
func Public() SpanOption {
	return otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true })
}

// around shows requests as spans, but for probes, and for streams of events, whose
// spans would last for hours.
func (t *traces) around(h http.Handler, more ...SpanOption) http.Handler {
	opts := append(t.otelhttp(), otelhttp.WithFilter(func(r *http.Request) bool { return !web.IsProbe(r) && !web.IsStream(r) }))
	return otelhttp.NewHandler(h, "request", append(opts, more...)...)
}

func (t *traces) otelhttp() []otelhttp.Option {
	return []otelhttp.Option{
		otelhttp.WithTracerProvider(t.provider), otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.TraceContext{}),
	}
}

// Transport shows the requests of a client as spans and hands the trace on.
func (t *Telemetry) Transport(rt http.RoundTripper) http.RoundTripper {
	if t == nil || t.traces == nil {
		return rt
	}
	return otelhttp.NewTransport(rt, t.traces.otelhttp()...)
}

// Tracer is for [bus.Options]; nil without traces.
func (t *Telemetry) Tracer() bus.Tracer {
	if t.traces == nil {
		return nil
	}
	return busotel.New(t.traces.provider)
}

// Redis shows the commands that a request or an event leads to as spans, without
// what is in them. What the bus does on its own, such as to wait for entries, is
// nobody's trace.
func (t *Telemetry) Redis(client redis.UniversalClient) error {
	if t.traces == nil {
		return nil
	}
	return redisotel.InstrumentTracing(client,
		redisotel.WithTracerProvider(within{t.traces.provider}), redisotel.WithDBStatement(false),
		redisotel.WithCallerEnabled(false), redisotel.WithDialFilter(true))
}

// within is a provider whose spans are all parts of a trace that is there.
type within struct{ trace.TracerProvider }

// Tracer implements [trace.TracerProvider].
func (p within) Tracer(name string, opts ...trace.TracerOption) trace.Tracer {
	return withinTracer{p.TracerProvider.Tracer(name, opts...)}
}

type withinTracer struct{ trace.Tracer }

// Start implements [trace.Tracer].
func (t withinTracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, noop.Span{}
	}
	return t.Tracer.Start(ctx, name, opts...)
}

// exporter says in one line at either end that spans cannot be sent, and counts
// them. What cannot be sent is given up; nobody waits for it.
type exporter struct {
	sdk.SpanExporter
	log  *slog.Logger
	lost prometheus.Counter

	mu    sync.Mutex
	since time.Time
}

func newExporter(out sdk.SpanExporter, log *slog.Logger) *exporter {
	return &exporter{SpanExporter: out, log: log, lost: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "newsfeed_spans_lost_total", Help: "Spans that could not be sent to the collector.",
	})}
}

// ExportSpans implements [sdk.SpanExporter].
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil && e.since.IsZero():
		e.since = time.Now()
		e.log.Warn("traces cannot be sent; what happens meanwhile will not be in them", "error", err)
	case err == nil && !e.since.IsZero():
		e.log.Info("traces can be sent again", "after", time.Since(e.since).Round(time.Millisecond))
		e.since = time.Time{}
	}
	if err != nil {
		e.lost.Add(float64(len(spans)))
	}
	return nil // else it would be told to a handler that is global
}
