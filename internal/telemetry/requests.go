package telemetry

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"newsfeed/internal/web"
)

// requests counts what is served. Its labels have few values whatever is asked for:
// the methods that HTTP has, the routes that are set, and the statuses that are
// answered.
type requests struct {
	total *prometheus.CounterVec
	took  *prometheus.HistogramVec
	now   prometheus.Gauge
	wrong *prometheus.CounterVec
}

const (
	noRoute     = "none"
	otherMethod = "other"
)

func newRequests() *requests {
	return &requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "newsfeed_http_requests_total",
			Help: "Requests that have been answered; code 499 stands for clients that left before.",
		}, []string{"method", "route", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "newsfeed_http_request_seconds", Help: "Time to answer a request; streams of events, which last, are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25},
		}, []string{"method", "route"}),
		wrong: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "newsfeed_wrong_tokens_total",
			Help: "Requests with a token that is not valid: refused with 401 or 403, or limited with 429.",
		}, []string{"outcome"}),
		now: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "newsfeed_http_requests_in_flight", Help: "Requests that are being answered, streams of events included.",
		}),
	}
}

// wrongToken counts a request with a token that is not valid.
func (s *requests) wrongToken(_ context.Context, limited bool) {
	outcome := "refused"
	if limited {
		outcome = "limited"
	}
	s.wrong.WithLabelValues(outcome).Inc()
}

// expect makes the series of routes such as "GET /posts" appear.
func (s *requests) expect(routes []string) {
	s.wrong.WithLabelValues("refused")
	s.wrong.WithLabelValues("limited")
	for _, r := range routes {
		method, route, _ := strings.Cut(r, " ")
		s.total.WithLabelValues(method, route, strconv.Itoa(http.StatusInternalServerError))
		if !lasts(route) {
			s.took.WithLabelValues(method, route)
		}
	}
}

func lasts(route string) bool { return strings.HasSuffix(route, "/stream") }

func (s *requests) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.now.Inc()
		defer s.now.Dec()
		h.ServeHTTP(w, r)
	})
}

// served is told of every request.
func (t *Telemetry) served(ctx context.Context, s web.Served) {
	method, route := methodOf(s.Method), s.Route
	if route == "" {
		route = noRoute
	}
	t.requests.total.WithLabelValues(method, route, strconv.Itoa(s.Status)).Inc()
	if !lasts(route) {
		t.requests.took.WithLabelValues(method, route).Observe(s.Took.Seconds())
	}
	if t.traces == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	// Who a client is stays here: the comments' service keeps no address either.
	span.SetAttributes(semconv.HTTPRoute(route), semconv.ClientAddress(""), semconv.NetworkPeerAddress(""),
		attribute.String("newsfeed.request.id", web.RequestID(ctx)))
	span.SetName(method + " " + route)
}

// methodOf returns one of the methods that there are, or a word for all others.
func methodOf(method string) string {
	known := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
	if slices.Contains(known, method) {
		return method
	}
	return otherMethod
}

// Streams shows how many clients follow server-sent events.
func (t *Telemetry) Streams(s *web.Streams) {
	t.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "newsfeed_sse_clients", Help: "Open streams of server-sent events.",
	}, func() float64 { return float64(s.Open()) }))
}
