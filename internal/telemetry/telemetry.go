// Package telemetry lets a service be seen into: metrics for Prometheus at GET
// /metrics, always, and traces by OTLP where the OTEL_* variables ask for them.
//
// Each service has a registry and a tracer provider of its own, also where several
// run in one process; nothing is global.
package telemetry

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"newsfeed/internal/web"
)

// Telemetry is what one service tells of itself.
type Telemetry struct {
	// Metrics are what GET /metrics shows.
	Metrics *prometheus.Registry

	requests *requests
	traces   *traces // nil if there are none
	log      *slog.Logger
}

// Start begins to tell of the service. instance names the replica, "" for a name
// made from the machine's.
func Start(ctx context.Context, service string, instance web.Instance, cfg web.TraceConfig, log *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{Metrics: prometheus.NewRegistry(), requests: newRequests(), log: log}
	t.Metrics.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(), t.requests.total, t.requests.took, t.requests.now, t.requests.wrong,
	)
	if !cfg.On() {
		return t, nil
	}
	var err error
	t.traces, err = startTraces(ctx, service, instance, cfg, log)
	if err != nil {
		return nil, err
	}
	t.Metrics.MustRegister(t.traces.exporter.lost)
	return t, nil
}

// buildInfo says which build this is.
func buildInfo() prometheus.Collector {
	version, commit := web.Build()
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "newsfeed_build_info", Help: "1, with the version and the commit that this was built from.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit},
	})
	g.Set(1)
	return g
}

// Options have a router count what it serves, and show it as spans.
func (t *Telemetry) Options(o ...SpanOption) []web.Option {
	opts := []web.Option{web.WithObserver(t.served), web.WithAround(t.requests.around), web.WithWrongTokens(t.requests.wrongToken)}
	if t.traces != nil {
		opts[1] = web.WithAround(func(h http.Handler) http.Handler { return t.requests.around(t.traces.around(h, o...)) })
	}
	return opts
}

// Routes adds GET /metrics, and makes the series of the routes set before appear
// with 0.
func (t *Telemetry) Routes(rt *web.Router) {
	handler := promhttp.HandlerFor(t.Metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(t.log.Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError,
	})
	rt.Handle(http.MethodGet, "/metrics", web.Inside(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		handler.ServeHTTP(&unhurt{ResponseWriter: w}, r)
		return nil
	}))
	t.requests.expect(rt.Routes())
}

// unhurt is the answer to a client that may go away, which is nobody's error: the
// library would log a line for every metric that is left.
type unhurt struct {
	http.ResponseWriter
	gone bool
}

// Write implements [io.Writer].
func (u *unhurt) Write(p []byte) (int, error) {
	if !u.gone {
		_, err := u.ResponseWriter.Write(p)
		u.gone = err != nil
	}
	return len(p), nil
}

// Close sends what spans are left, for a second at most.
func (t *Telemetry) Close() {
	if t.traces != nil {
		t.traces.close()
	}
}
