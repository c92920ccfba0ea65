package busotel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"newsfeed/internal/bus"
	"newsfeed/internal/bus/busotel"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

const stream = "{posts}:events"

// rig is a bus whose spans are kept.
type rig struct {
	t *testing.T
	*bus.Bus
	tracer trace.Tracer
	spans  *tracetest.SpanRecorder
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, spans: tracetest.NewSpanRecorder()}
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(r.spans))
	r.tracer = provider.Tracer("test")
	r.Bus = bus.New(t.Context(), bustest.Start(t).Client(), bus.Options{
		Log: slog.New(slog.DiscardHandler), Tracer: busotel.New(provider), Block: 50 * time.Millisecond,
		Retry: bus.RetryPolicy{Attempts: 2, First: time.Millisecond},
	})
	t.Cleanup(r.Close)
	return r
}

func newEvent(id string) event.Event {
	return event.Event{Type: "Odd", Data: []byte("{}"), ID: id, Source: "test", Subject: id}
}

// consume runs h as group "g" until the test ends.
func (r *rig) consume(h bus.Handler) {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	var consumer sync.WaitGroup
	consumer.Go(func() {
		if err := r.Consume(ctx, bus.Subscription{Group: "g", Consumer: "c", Streams: []string{stream}}, h); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(func() { stop(); consumer.Wait() })
}

// named returns the ended spans of that name once there are n.
func (r *rig) named(name string, n int) []sdk.ReadOnlySpan {
	r.t.Helper()
	var found []sdk.ReadOnlySpan
	bustest.Eventually(r.t, 10*time.Second, fmt.Sprintf("there are %d spans %q", n, name), func() bool {
		found = nil
		for _, s := range r.spans.Ended() {
			if s.Name() == name {
				found = append(found, s)
			}
		}
		return len(found) >= n
	})
	// One that handles an entry may end after what it published has been handled.
	slices.SortStableFunc(found, func(a, b sdk.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	return found
}

func attribute(s sdk.ReadOnlySpan, key string) string {
	for _, a := range s.Attributes() {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// Commits that share a call of Redis keep each their caller's trace.
func TestManyCallersKeepTheirTraces(t *testing.T) {
	r := newRig(t)
	const callers = 200
	want := make([]trace.SpanContext, callers)
	var g sync.WaitGroup
	for i := range callers {
		g.Go(func() {
			ctx, span := r.tracer.Start(t.Context(), "caller")
			defer span.End()
			want[i] = span.SpanContext()
			if _, err := r.Publish(ctx, stream, newEvent(strconv.Itoa(i))); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	published := map[string]trace.SpanContext{}
	for _, s := range r.named("publish "+stream, callers) {
		published[attribute(s, "messaging.message.id")] = s.SpanContext()
		i, err := strconv.Atoi(attribute(s, "messaging.message.id"))
		if err != nil || s.Parent().SpanID() != want[i].SpanID() || s.SpanKind() != trace.SpanKindProducer {
			t.Errorf("%+v is below %s, want %s", s.Attributes(), s.Parent().SpanID(), want[i].SpanID())
		}
	}
	entries, err := r.Range(t.Context(), stream, bus.ID{}, callers+1)
	if err != nil || len(entries) != callers {
		t.Fatalf("%d entries (%v)", len(entries), err)
	}
	for _, e := range entries {
		ctx := busotel.Context(t.Context(), e.Event.TraceParent)
		if got := trace.SpanContextFromContext(ctx); got.SpanID() != published[e.Event.ID].SpanID() || got.TraceID() != published[e.Event.ID].TraceID() {
			t.Errorf("the entry of %s names %s", e.Event.ID, e.Event.TraceParent)
		}
	}
	// A call for several is linked to all of them.
	links := 0
	for _, s := range r.named("commit batch", 1) {
		if s.Parent().IsValid() || len(s.Links()) < 2 {
			t.Errorf("a batch is below %s and has %d links", s.Parent().SpanID(), len(s.Links()))
		}
		links += len(s.Links())
	}
	t.Logf("%d of %d callers shared a call", links, callers)
}

// What is published while an event is handled goes on from there; an attempt that
// fails is followed by another below the same publication; a dead letter that is
// sent back too.
func TestHandlingGoesOn(t *testing.T) {
	r := newRig(t)
	healed := make(chan struct{})
	r.consume(func(ctx context.Context, e bus.Entry) error {
		if got := event.IDFrom(ctx); got != e.Event.ID {
			t.Errorf("the context is that of %q, want %q", got, e.Event.ID)
		}
		select {
		case <-healed:
		default:
			if e.Event.ID == "first" {
				return errors.New("not now")
			}
		}
		if e.Event.ID == "first" {
			_, err := r.Publish(ctx, stream, newEvent("second"))
			return err
		}
		return nil
	})
	if _, err := r.Publish(t.Context(), stream, newEvent("first")); err != nil {
		t.Fatal(err)
	}
	r.named("bury g", 1)
	close(healed)
	letters, err := r.Dead(t.Context(), bus.DeadQuery{Group: "g"})
	if err != nil || len(letters) != 1 {
		t.Fatalf("%+v (%v)", letters, err)
	}
	ctx, asking := r.tracer.Start(t.Context(), "asking")
	if err := r.Redrive(ctx, letters[0].DeadID); err != nil {
		t.Fatal(err)
	}
	asking.End()
	published := r.named("publish "+stream, 2)
	attempts := r.named("process "+stream, 4)
	first := published[0].SpanContext()
	for i, want := range []string{"retried", "retried", "handled", "handled"} {
		a := attempts[i]
		parent := first
		if i == 3 {
			parent = published[1].SpanContext()
		}
		if a.SpanContext().TraceID() != first.TraceID() || a.Parent().SpanID() != parent.SpanID() || !a.Parent().IsRemote() ||
			a.SpanKind() != trace.SpanKindConsumer || attribute(a, "newsfeed.outcome") != want {
			t.Errorf("attempt %d is %v below %s, want %s below %s", i, a.Attributes(), a.Parent().SpanID(), want, parent.SpanID())
		}
	}
	if got := published[1].Parent().SpanID(); got != attempts[2].SpanContext().SpanID() {
		t.Errorf("the second is published below %s, want the handling of the first", got)
	}
	if attribute(attempts[2], "newsfeed.redriven") != "true" || attribute(attempts[1], "newsfeed.redriven") != "false" {
		t.Errorf("redriven: %v", attempts[2].Attributes())
	}
	back := r.named("redrive {g}:redrive", 1)[0]
	if back.SpanContext().TraceID() != first.TraceID() || len(back.Links()) != 1 || back.Links()[0].SpanContext.SpanID() != asking.SpanContext().SpanID() {
		t.Errorf("sent back in %s, linked to %v", back.SpanContext().TraceID(), back.Links())
	}
}

// An event that has a trace context of its own keeps it.
func TestForeignTrace(t *testing.T) {
	r := newRig(t)
	const theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	e := newEvent("theirs")
	e.TraceParent = theirs
	handled := make(chan string, 1)
	r.consume(func(ctx context.Context, e bus.Entry) error {
		handled <- trace.SpanContextFromContext(ctx).TraceID().String() + " " + e.Event.TraceParent
		return bus.Ignore(errors.New("seen"))
	})
	if _, err := r.Publish(t.Context(), stream, e); err != nil {
		t.Fatal(err)
	}
	if got, want := <-handled, "4bf92f3577b34da6a3ce929d0e0e4736 "+theirs; got != want {
		t.Errorf("handled in %s, want %s", got, want)
	}
	if links := r.named("publish "+stream, 1)[0].Links(); len(links) != 1 || links[0].SpanContext.SpanID().String() != "00f067aa0ba902b7" {
		t.Errorf("links %v", links)
	}
	for _, bad := range []string{"", "nonsense", "00-0-0-01"} {
		if trace.SpanContextFromContext(busotel.Context(t.Context(), bad)).IsValid() {
			t.Errorf("%q names a trace", bad)
		}
	}
}

// tracers are what a bus can have; nil costs what a bus costs that knows nothing of
// tracing.
func tracers() map[string]bus.Tracer {
	return map[string]bus.Tracer{
		"off": nil, "noop": busotel.New(noop.NewTracerProvider()),
		"on": busotel.New(sdk.NewTracerProvider(sdk.WithSampler(sdk.AlwaysSample()))),
	}
}

func BenchmarkPublish(b *testing.B) {
	for name, tracer := range tracers() {
		b.Run("tracer="+name, func(b *testing.B) {
			on := bus.New(b.Context(), bustest.Start(b).Client(), bus.Options{Log: slog.New(slog.DiscardHandler), Tracer: tracer})
			defer on.Close()
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				if _, err := on.Publish(b.Context(), stream, newEvent(strconv.Itoa(n))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkConsume(b *testing.B) {
	for name, tracer := range tracers() {
		b.Run("tracer="+name, func(b *testing.B) {
			client := bustest.Start(b).Client()
			on := bus.New(b.Context(), client, bus.Options{Log: slog.New(slog.DiscardHandler), Tracer: tracer})
			defer on.Close()
			pipe := client.Pipeline()
			for i := range b.N {
				e := newEvent(strconv.Itoa(i))
				pipe.Do(b.Context(), append([]any{"XADD", stream, "*"}, anyOf(e.Fields())...)...)
			}
			if _, err := pipe.Exec(b.Context()); err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			left := make(chan struct{}, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			var consumer sync.WaitGroup
			consumer.Go(func() {
				_ = on.Consume(ctx, bus.Subscription{Group: "g", Consumer: "c", Streams: []string{stream}}, func(context.Context, bus.Entry) error {
					left <- struct{}{}
					return nil
				})
			})
			for range b.N {
				<-left
			}
			b.StopTimer()
			stop()
			consumer.Wait()
		})
	}
}

func anyOf(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
