package web

import (
	"context"
	"io"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/term"

	"newsfeed/internal/event"
)

// NewLogger returns a logger that names the service in every line: text if w is
// a terminal, else JSON. Lines that are written with the context of a request or
// of an event's handling name the trace and the event.
func NewLogger(w io.Writer, service string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(w, opts)
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		handler = slog.NewTextHandler(w, opts)
	}
	return slog.New(&placed{handler}).With("service", service)
}

// placed adds to what is logged the trace and the event in whose course it
// happened, where the context has them.
type placed struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h *placed) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	if id := event.IDFrom(ctx); id != "" {
		r.AddAttrs(slog.String("event", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *placed) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &placed{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h *placed) WithGroup(name string) slog.Handler { return &placed{h.Handler.WithGroup(name)} }
