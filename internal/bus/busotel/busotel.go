// Package busotel shows the way of events through package bus as OpenTelemetry
// traces. It needs the API of OpenTelemetry only; what becomes of the spans is for
// the provider to say.
//
// Names and attributes follow the semantic conventions for messaging: a span of
// kind producer for each event published, one of kind consumer for each attempt to
// handle it. The trace context travels in the entry's field traceparent. A
// consumer's span is a child of the producer's, and not only linked to it, so that
// the whole way of an event is one trace: entries are handled one by one and soon,
// which is where the conventions permit it.
package busotel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const (
	name = "newsfeed/internal/bus"
	// field is that of the W3C trace context, in entries as in headers.
	field = "traceparent"
)

// The attributes for which the conventions have no name.
const (
	attrEntry    = attribute.Key("newsfeed.entry.id")
	attrOutcome  = attribute.Key("newsfeed.outcome")
	attrAttempt  = attribute.Key("newsfeed.attempt")
	attrRedriven = attribute.Key("newsfeed.redriven")
)

// Tracer is a [bus.Tracer].
type Tracer struct{ tracer trace.Tracer }

var _ bus.Tracer = (*Tracer)(nil)

// New returns a Tracer whose spans go to the provider.
func New(provider trace.TracerProvider) *Tracer {
	return &Tracer{provider.Tracer(name, trace.WithSchemaURL(semconv.SchemaURL))}
}

// Publish implements [bus.Tracer]. An event that names a trace context has been
// made elsewhere, and those who handle it belong to its maker's trace: then the
// span is linked to that, and the event stays as it is.
func (t *Tracer) Publish(ctx context.Context, stream string, e event.Event) (context.Context, string, func(bus.ID, error)) {
	opts := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(append(describe(stream, e), semconv.MessagingOperationName("publish"), semconv.MessagingOperationTypeSend)...),
	}
	if maker := trace.SpanContextFromContext(Context(context.Background(), e.TraceParent)); maker.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: maker}))
	}
	ctx, span := t.tracer.Start(ctx, "publish "+stream, opts...)
	return ctx, TraceParent(ctx), func(id bus.ID, err error) {
		if err == nil {
			span.SetAttributes(attrEntry.String(id.String()))
		}
		end(span, err)
	}
}

// Together implements [bus.Tracer]. The call of a single caller is part of that
// caller's trace. One for several belongs to none of theirs: it has a trace of its
// own, linked to them all.
func (t *Tracer) Together(ctx context.Context, callers []context.Context) (context.Context, func(error)) {
	var links []trace.Link
	var last trace.Span
	for _, caller := range callers {
		if span := trace.SpanFromContext(caller); span.SpanContext().IsValid() {
			last = span
			links = append(links, trace.Link{SpanContext: span.SpanContext()})
		}
	}
	switch {
	case len(links) == 0:
		return ctx, func(error) {}
	case len(callers) == 1:
		return trace.ContextWithSpan(ctx, last), func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, "commit batch", trace.WithNewRoot(), trace.WithLinks(links...), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(semconv.MessagingSystemKey.String(system), semconv.MessagingBatchMessageCount(len(callers))))
	return ctx, func(err error) { end(span, err) }
}

// Begin implements [bus.Tracer]. Who had the entry sent back did so in a trace of
// their own, to which the span is linked.
func (t *Tracer) Begin(ctx context.Context, w bus.Work) (context.Context, func(error)) {
	attrs := append(describe(w.Entry.Stream, w.Entry.Event),
		semconv.MessagingConsumerGroupName(w.Group), semconv.MessagingOperationName(string(w.Kind)),
		attrEntry.String(w.Entry.ID.String()), attrAttempt.Int(w.Attempt))
	kind, at := trace.SpanKindInternal, bus.RedriveStream(w.Group)
	switch w.Kind {
	case bus.WorkProcess:
		kind, at = trace.SpanKindConsumer, w.Entry.Stream
		attrs = append(attrs, semconv.MessagingOperationTypeProcess, attrRedriven.Bool(w.Redriven))
	case bus.WorkBury:
		at = w.Group
	case bus.WorkRedrive:
	}
	opts := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attrs...)}
	around := trace.SpanContextFromContext(ctx)
	ctx = Context(ctx, w.Entry.Event.TraceParent)
	if around.IsValid() && !around.Equal(trace.SpanContextFromContext(ctx)) {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: around}))
	}
	ctx, span := t.tracer.Start(ctx, string(w.Kind)+" "+at, opts...)
	return ctx, func(err error) {
		if w.Kind == bus.WorkProcess {
			span.SetAttributes(attrOutcome.String(string(bus.OutcomeOf(err))))
		}
		end(span, err)
	}
}

const system = "redis"

// describe returns what there is to say of an event without its content.
func describe(stream string, e event.Event) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKey.String(system), semconv.MessagingDestinationName(stream),
		semconv.MessagingMessageID(e.ID), semconv.MessagingMessageConversationID(e.CorrelationID),
		semconv.CloudEventsEventType(e.Type), semconv.CloudEventsEventSource(e.Source),
	}
}

// end ends a span. That an entry must wait, or is nobody's, is no error.
func end(span trace.Span, err error) {
	switch bus.OutcomeOf(err) {
	case bus.Handled, bus.Unknown, bus.Ignored, bus.Deferred:
	default:
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// Context returns ctx as part of the trace that a traceparent names; ctx itself if
// it names none.
func Context(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{field: traceparent})
}

// TraceParent returns the traceparent of the span in ctx, "" if there is none.
func TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[field]
}
