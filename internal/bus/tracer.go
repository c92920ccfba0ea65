package bus

import (
	"context"
	"errors"

	"newsfeed/internal/event"
)

// Tracer follows events from their writer to those who handle them. Package
// busotel has the one for OpenTelemetry; without a Tracer nothing of it costs
// anything.
type Tracer interface {
	// Publish begins to write e to stream for the caller with ctx. An event that
	// names no trace context gets the one returned; written is told where the
	// entry stands, or why there is none.
	Publish(ctx context.Context, stream string, e event.Event) (traced context.Context, traceparent string, written func(ID, error))
	// Together begins one call of Redis that carries the changes of these callers,
	// whose contexts are those that Publish has returned or, for changes without
	// an event, the callers' own. ctx is that of the call and none of theirs.
	Together(ctx context.Context, callers []context.Context) (traced context.Context, done func(error))
	// Begin begins work on an entry, which is part of the trace that the entry names.
	Begin(ctx context.Context, w Work) (traced context.Context, done func(error))
}

// WorkKind is what can be done with an entry.
type WorkKind string

// The kinds of work that a [Tracer] is told of.
const (
	WorkProcess WorkKind = "process" // one attempt of the handler
	WorkBury    WorkKind = "bury"    // becomes a dead letter
	WorkRedrive WorkKind = "redrive" // is sent back from the dead letters
)

// Work is what is done with one entry, for a [Tracer].
type Work struct {
	Kind  WorkKind
	Group string
	Entry Entry
	// Attempt counts from 1 the attempts of this process, as far as it knows.
	Attempt int
	// Redriven says that the entry comes from the dead letters.
	Redriven bool
}

// Traced begins work on an entry for those who read without a group; consumers do
// it by themselves. done must be called.
func (b *Bus) Traced(ctx context.Context, w Work) (traced context.Context, done func(error)) {
	if b.opt.Tracer == nil {
		return ctx, func(error) {}
	}
	return b.opt.Tracer.Begin(ctx, w)
}

// publishTraced is what Commit does with an event if there is a Tracer. It is a
// function of its own so that Commit allocates nothing for it.
func (b *Bus) publishTraced(ctx context.Context, c Change) (ID, error) {
	ctx, traceparent, written := b.opt.Tracer.Publish(ctx, c.Stream, c.Event)
	if c.Event.TraceParent == "" {
		c.Event.TraceParent = traceparent
	}
	id, err := b.groups.do(ctx, c)
	written(id, err)
	return id, err
}

// together is Tracer.Together for the changes of a batch.
func (g *groups) together(ctx context.Context, batch []*pending) (context.Context, func(error)) {
	if g.tracer == nil {
		return ctx, nil
	}
	callers := make([]context.Context, len(batch))
	for i, p := range batch {
		callers[i] = p.ctx
	}
	return g.tracer.Together(ctx, callers)
}

// OutcomeOf returns what an error of a handler makes of its entry, as far as the
// error alone decides it: [Retried] may end in [Died].
func OutcomeOf(err error) Happening {
	var notYet *notYetError
	var ignored *ignoreError
	switch {
	case err == nil:
		return Handled
	case errors.Is(err, event.ErrUnknownType):
		return Unknown
	case errors.As(err, &ignored):
		return Ignored
	case errors.Is(err, event.ErrMalformed):
		return Died
	case Unavailable(err) || cutOff(err):
		return Away
	case errors.As(err, &notYet):
		return Deferred
	default:
		return Retried
	}
}
