package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busprom"
	"newsfeed/internal/event"
	"newsfeed/internal/telemetry"
	"newsfeed/internal/web"
)

// newService is a router as a service has it.
func newService(t testing.TB, cfg web.TraceConfig) (*telemetry.Telemetry, *web.Router) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	seen, err := telemetry.Start(t.Context(), "posts", "posts-0", cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(seen.Close)
	rt := web.NewRouter(log, seen.Options()...)
	ok := func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	rt.Handle("GET", "/posts/stream", ok)
	rt.Handle("GET", "/posts/{id}", ok)
	rt.Handle("POST", "/posts", ok)
	rt.HandlePrefix("/files/", ok)
	seen.Routes(rt)
	return seen, rt
}

func ask(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRequestsAreCounted(t *testing.T) {
	seen, rt := newService(t, web.TraceConfig{})
	for _, r := range []struct{ method, target string }{
		{"GET", "/posts/a"}, {"GET", "/posts/b"}, {"HEAD", "/posts/b"}, {"PUT", "/posts/b"}, {"BREW", "/posts/b"}, {"POST", "/posts"},
		{"GET", "/files/x/y"}, {"GET", "/nothing"}, {"GET", "/posts/stream"}, {"GET", "/metrics"},
	} {
		ask(rt, r.method, r.target)
	}
	want := `# HELP newsfeed_http_requests_total Requests that have been answered; code 499 stands for clients that left before.
# TYPE newsfeed_http_requests_total counter
newsfeed_http_requests_total{code="200",method="GET",route="/metrics"} 1
newsfeed_http_requests_total{code="204",method="GET",route="/files/*"} 1
newsfeed_http_requests_total{code="204",method="GET",route="/posts/stream"} 1
newsfeed_http_requests_total{code="204",method="GET",route="/posts/{id}"} 2
newsfeed_http_requests_total{code="204",method="HEAD",route="/posts/{id}"} 1
newsfeed_http_requests_total{code="204",method="POST",route="/posts"} 1
newsfeed_http_requests_total{code="404",method="GET",route="none"} 1
newsfeed_http_requests_total{code="405",method="PUT",route="/posts/{id}"} 1
newsfeed_http_requests_total{code="405",method="other",route="/posts/{id}"} 1
newsfeed_http_requests_total{code="500",method="GET",route="/metrics"} 0
newsfeed_http_requests_total{code="500",method="GET",route="/posts/stream"} 0
newsfeed_http_requests_total{code="500",method="GET",route="/posts/{id}"} 0
newsfeed_http_requests_total{code="500",method="POST",route="/posts"} 0
`
	if err := testutil.GatherAndCompare(seen.Metrics, strings.NewReader(want), "newsfeed_http_requests_total"); err != nil {
		t.Error(err)
	}
	if text := ask(rt, "GET", "/metrics").Body.String(); strings.Contains(text, `newsfeed_http_request_seconds_count{method="GET",route="/posts/stream"}`) ||
		!strings.Contains(text, `newsfeed_http_request_seconds_count{method="GET",route="/posts/{id}"} 2`) {
		t.Errorf("times:\n%s", text)
	}
}

// Whatever is asked for and whatever comes over the bus, the series stay few.
func TestSeriesAreBounded(t *testing.T) {
	seen, rt := newService(t, web.TraceConfig{})
	events := busprom.New(seen.Metrics, event.Types())
	series := func() int {
		all, err := seen.Metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, family := range all {
			if strings.HasPrefix(family.GetName(), "newsfeed_") {
				n += len(family.GetMetric())
			}
		}
		return n
	}
	throw := func(from, to int) {
		for i := from; i < to; i++ {
			for _, path := range []string{"/posts/%d", "/unknown/%d", "/files/%d", "/posts/%d/more", "/posts?x=%d", "//%d"} {
				for _, method := range []string{"GET", "POST", "DELETE", fmt.Sprintf("M%d", i)} {
					ask(rt, method, fmt.Sprintf(path, i))
				}
			}
			e := bus.Entry{Event: event.Event{Type: fmt.Sprintf("Type%d", i), ID: fmt.Sprint(i), Source: fmt.Sprint(i)}}
			for _, what := range bus.Happenings() {
				events.Observe(bus.Outcome{What: what, Stream: "{posts}:events", Group: "posts", Entry: e})
			}
		}
	}
	throw(0, 3)
	some := series()
	throw(3, 500)
	if many := series(); many != some || many > 100 {
		t.Errorf("%d series after a few, %d after many", some, many)
	}
}

// Only this machine and private networks read the metrics, also through proxies.
func TestMetricsAreForInside(t *testing.T) {
	_, rt := newService(t, web.TraceConfig{})
	for _, tt := range []struct {
		from, forwarded string
		status          int
	}{
		{"127.0.0.1:1", "", 200}, {"[::1]:1", "", 200}, {"10.1.2.3:1", "", 200}, {"172.20.0.5:1", "", 200}, {"[fd00::1]:1", "", 200},
		{"192.0.2.1:1", "", 403}, {"[2001:db8::1]:1", "", 403}, {"172.32.0.1:1", "", 403}, {"[::ffff:8.8.8.8]:1", "", 403}, {"", "", 403},
		{"127.0.0.1:1", "10.0.0.1", 200}, {"127.0.0.1:1", "192.0.2.1", 403}, {"10.1.2.3:1", "10.0.0.1, 192.0.2.1", 403},
		{"10.1.2.3:1", "192.0.2.1, 10.0.0.1", 403}, {"10.1.2.3:1", "unknown", 403},
	} {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.RemoteAddr = tt.from
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("from %q for %q: %d, want %d", tt.from, tt.forwarded, w.Code, tt.status)
		}
	}
}

// goneWriter is the answer to a client that has gone.
type goneWriter struct{ *httptest.ResponseRecorder }

func (goneWriter) Write([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func TestAClientThatGoesIsNoError(t *testing.T) {
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	seen, err := telemetry.Start(t.Context(), "posts", "", web.TraceConfig{}, log)
	if err != nil {
		t.Fatal(err)
	}
	rt := web.NewRouter(log, seen.Options()...)
	seen.Routes(rt)
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:1"
	rt.ServeHTTP(goneWriter{httptest.NewRecorder()}, r)
	if said.Len() > 0 {
		t.Errorf("it says: %s", said.String())
	}
}

// Without the variables there is nothing of traces: no tracer, and no allocations of
// theirs. Counting takes one; under the race detector, which has sync.Pool lose every
// fourth object, it may look like two. A span takes dozens.
func TestTracesAreOff(t *testing.T) {
	for name, cfg := range map[string]web.TraceConfig{
		"unset": {}, "disabled": {OTLPEndpoint: "http://127.0.0.1:1", TracesDisabled: true}, "none": {OTLPEndpoint: "http://127.0.0.1:1", TracesExporter: "none"},
	} {
		seen, _ := newService(t, cfg)
		if seen.Tracer() != nil {
			t.Errorf("%s: there is a tracer", name)
		}
		if rt := http.DefaultTransport; seen.Transport(rt) != rt {
			t.Errorf("%s: requests are wrapped", name)
		}
	}
	log := slog.New(slog.DiscardHandler)
	seen, err := telemetry.Start(t.Context(), "posts", "", web.TraceConfig{}, log)
	if err != nil {
		t.Fatal(err)
	}
	measure := func(opts ...web.Option) float64 {
		rt := web.NewRouter(log, opts...)
		rt.Handle("GET", "/x", func(http.ResponseWriter, *http.Request) error { return nil })
		r, w := httptest.NewRequest("GET", "/x", nil), httptest.NewRecorder()
		return testing.AllocsPerRun(500, func() { rt.ServeHTTP(w, r) })
	}
	traced, _ := newService(t, web.TraceConfig{OTLPEndpoint: "http://127.0.0.1:1"})
	bare, off, on := measure(), measure(seen.Options()...), measure(traced.Options()...)
	if off > bare+2 || on < off+10 {
		t.Errorf("a request allocates %v times without metrics, %v with traces off, %v with traces on", bare, off, on)
	}
}

// A collector that says nothing holds up neither those who are served nor the end.
func TestSilentCollector(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	endpoint := "http://" + l.Addr().String() // nobody accepts, the system does
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	seen, rt := newService(t, web.TraceConfig{OTLPEndpoint: web.OTLPEndpoint(endpoint)})
	for range 1000 {
		if w := ask(rt, "GET", "/posts/a"); w.Code != http.StatusNoContent {
			t.Fatal(w.Code)
		}
	}
	begin := time.Now()
	seen.Close()
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %s to stop", took)
	}
}

func BenchmarkRequest(b *testing.B) {
	for name, cfg := range map[string]web.TraceConfig{"off": {}, "on": {OTLPEndpoint: "http://127.0.0.1:1"}} {
		b.Run("traces="+name, func(b *testing.B) {
			_, rt := newService(b, cfg)
			r, w := httptest.NewRequestWithContext(context.Background(), "GET", "/posts/a", nil), httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				rt.ServeHTTP(w, r)
			}
		})
	}
}
