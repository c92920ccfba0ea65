package web_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func TestTraceConfig(t *testing.T) {
	const endpoint, place = "OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"
	for _, tt := range []struct {
		name     string
		environ  map[string]string
		on, grpc bool
	}{
		{"nothing", nil, false, false},
		{"empty", map[string]string{endpoint: ""}, false, false},
		{"a place", map[string]string{endpoint: place}, true, false},
		{"a place for traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces:4318/v1/traces"}, true, false},
		{"the usual place", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, false},
		{"turned off", map[string]string{endpoint: place, "OTEL_SDK_DISABLED": "true"}, false, false},
		{"not for traces", map[string]string{endpoint: place, "OTEL_TRACES_EXPORTER": "none"}, false, false},
		{"gRPC", map[string]string{endpoint: place, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, true, true},
		{"gRPC, but not for traces", map[string]string{
			endpoint: place, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
		}, true, false},
	} {
		cfg, err := web.Load[web.TraceConfig](tt.environ)
		if err != nil || cfg.On() != tt.on || cfg.GRPC() != tt.grpc {
			t.Errorf("%s: on %v, by gRPC %v (%v); want %v, %v", tt.name, cfg.On(), cfg.GRPC(), err, tt.on, tt.grpc)
		}
	}
	for variable, value := range map[string]string{
		endpoint: "localhost:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://user:secret@traces:4318", "OTEL_TRACES_EXPORTER": "zipkin",
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_SDK_DISABLED": "perhaps",
	} {
		if _, err := web.Load[web.TraceConfig](map[string]string{variable: value}); web.ExitCode(err) != 2 {
			t.Errorf("%s=%s: %v", variable, value, err)
		}
	}
}

// What is logged in the course of a request or an event says in which.
func TestLogsSayWhere(t *testing.T) {
	var out bytes.Buffer
	log := web.NewLogger(&out, "posts", slog.LevelInfo).With("a", 1)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	log.InfoContext(t.Context(), "outside")
	log.InfoContext(event.NewContext(ctx, "an event"), "inside")
	dec := json.NewDecoder(&out)
	for _, want := range []map[string]any{
		{"msg": "outside"},
		{"msg": "inside", "trace_id": "01000000000000000000000000000000", "span_id": "0200000000000000", "event": "an event"},
	} {
		var got map[string]any
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"msg", "trace_id", "span_id", "event"} {
			if got[name] != want[name] {
				t.Errorf("%s is %v, want %v", name, got[name], want[name])
			}
		}
		if got["service"] != "posts" || got["a"] != 1.0 {
			t.Errorf("the rest is lost: %v", got)
		}
	}
}
