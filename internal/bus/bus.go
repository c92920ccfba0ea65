// Package bus carries events between services over Redis Streams.
//
// What goes in: [Bus.Commit] writes a document and the event that tells of it
// as one, [Bus.Publish] appends an event alone. What comes out: [Bus.Consume]
// hands every entry of some streams to a handler, at least once, shared among
// the replicas of a group, with retries, dead letters and recovery of what dead
// replicas left; [Bus.Range] and [Bus.Follow] read streams without a group;
// [Bus.Merge] reads several as one in the order of time; [Bus.Streams] and
// [Bus.Dead] look inside.
//
// What is promised: an entry is acknowledged only after its handler has
// returned nil or after it has become a dead letter; none is lost or stranded
// while Redis keeps its data. Handlers meet entries more than once and not
// always in order, so their effects must be idempotent and commute.
//
// Keys, with {owner} the hash tag of a stream's name and {group} that of the
// group that reads:
//
//	{owner}:events                        the stream
//	{owner}:published:<event id>          what Publish remembers for 24 h
//	{owner}:alive:<group>:<consumer>      a reader's sign of life, with a TTL
//	{group}:dead, {group}:dead:order      dead letters, and their order in time
//	{group}:redrive                       a stream of dead letters sent back
//	{group}:paused                        set by an operator: the group rests
//
// Needs Redis 7.0 or later, alone or as a cluster. miniredis will do for
// trying things out; it differs in what it tells of pending entries.
package bus

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bus is a connection to Redis with the package's scripts. It is safe for
// concurrent use.
type Bus struct {
	client  redis.UniversalClient
	log     *slog.Logger
	opt     Options
	scripts scripts
	groups  *groups
	memory  *memory
	cancel  context.CancelFunc
}

// Options tune a Bus. The zero value is what the services run with.
type Options struct {
	// Log gets what an operator should know; default slog.Default().
	Log *slog.Logger
	// Observe, if set, is told of everything that happens to an entry, and
	// ObserveBatch of every call of Redis that carries changes, and how many. They
	// are called from many goroutines and must be quick.
	Observe      func(Outcome)
	ObserveBatch func(changes int)
	// Tracer, if set, follows events from their writer to those who handle them.
	Tracer Tracer

	// Retry is how an entry that failed is tried again.
	Retry RetryPolicy
	// Concurrency is how many handlers of one stream run at once; default 64.
	Concurrency int
	// Batch is how many entries one read takes; default 500.
	Batch int
	// InHand bounds the entries of one stream that have been read and not yet
	// acknowledged; default 4 batches.
	InHand int
	// InHandBytes bounds what these take up, as far as can be told before they are
	// read; default 8 MiB.
	InHandBytes int
	// Brake is how many different entries may fail in a row before the consumer
	// stops taking new ones; default 10.
	Brake int
	// MaxDeliveries is how often an entry may be delivered without an answer
	// before it is taken for one that kills its reader; default 20.
	MaxDeliveries int64
	// Block is how long one read waits for entries, and so about how long
	// stopping takes; default 1 s.
	Block time.Duration
	// Sweep is how often a consumer looks for entries that nobody has in hand;
	// default 3 s.
	Sweep time.Duration
	// Alive is how long after its last sign of life a consumer counts as dead;
	// default 9 s.
	Alive time.Duration
	// Retire is how long an empty consumer may be away before it is removed
	// from its group, if it could not leave by itself; default 1 min.
	Retire time.Duration
	// HandlerTimeout ends the context of one handler call; default 30 s.
	HandlerTimeout time.Duration
	// AckWait is how long an entry that is done may wait for others to be acknowledged
	// with it; default 20 ms. Half a batch waits for no more.
	AckWait time.Duration
	// Drain is how long Consume waits for running handlers and their
	// acknowledgements when it is told to stop; default 8 s.
	Drain time.Duration
}

// RetryPolicy is how an entry that failed is tried again.
type RetryPolicy struct {
	// Attempts before the entry becomes a dead letter; default 5.
	Attempts int
	// First is the delay after the first failure; default 200 ms. It triples,
	// give or take a third, up to Max; default 10 s.
	First, Max time.Duration
}

func (o Options) withDefaults() Options {
	set(&o.Retry.Attempts, 5)
	set(&o.Retry.First, 200*time.Millisecond)
	set(&o.Retry.Max, 10*time.Second)
	set(&o.Concurrency, 64)
	set(&o.Batch, 500)
	set(&o.InHand, 4*o.Batch)
	set(&o.InHandBytes, 8<<20)
	set(&o.Brake, 10)
	set(&o.MaxDeliveries, 20)
	set(&o.Block, time.Second)
	set(&o.Sweep, 3*time.Second)
	set(&o.Alive, 9*time.Second)
	set(&o.Retire, time.Minute)
	set(&o.HandlerTimeout, 30*time.Second)
	set(&o.AckWait, 20*time.Millisecond)
	set(&o.Drain, 8*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Observe == nil {
		o.Observe = func(Outcome) {}
	}
	if o.ObserveBatch == nil {
		o.ObserveBatch = func(int) {}
	}
	return o
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// New makes a Bus on client, which stays the caller's to close, after the Bus.
// Writes under way are not ended by ctx, which lends only its values: they go
// on while a service drains, until Close.
func New(ctx context.Context, client redis.UniversalClient, opt Options) *Bus {
	opt = opt.withDefaults()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s, m := loadScripts(), &memory{client: client}
	return &Bus{
		client: client, log: opt.Log, opt: opt, scripts: s, memory: m,
		groups: newGroups(ctx, client, s.commit, m, opt), cancel: cancel,
	}
}

// Close waits for the writes under way. Consumers must have stopped.
func (b *Bus) Close() {
	b.groups.close()
	b.cancel()
}

// Redis is the client, for commands that this package has no name for. Wrap
// their errors with [Err].
func (b *Bus) Redis() redis.UniversalClient { return b.client }

// Happening is what can happen to an entry.
type Happening string

// What Options.Observe is told.
const (
	Published Happening = "published" // was written to its stream
	Handled   Happening = "handled"   // the handler returned nil
	Own       Happening = "own"       // the reader wrote it itself; acknowledged, see Subscription.Own
	Unknown   Happening = "unknown"   // of a type that nobody here knows; acknowledged
	Ignored   Happening = "ignored"   // the handler said Ignore; acknowledged
	Retried   Happening = "retried"   // the handler failed; the entry will be tried again
	Deferred  Happening = "deferred"  // the handler said NotYet
	Died      Happening = "died"      // became a dead letter
	Lost      Happening = "lost"      // was trimmed from the stream while pending
	TakenOver Happening = "takenover"
	Braked    Happening = "braked"    // the consumer takes no new entries since too many fail
	Away      Happening = "away"      // or since the infrastructure does not answer
	Recovered Happening = "recovered" // it takes new ones again, after either
	Paused    Happening = "paused"    // an operator has paused the group
	Resumed   Happening = "resumed"   // and resumed it
)

// Happenings returns all of them.
func Happenings() []Happening {
	return []Happening{Published, Handled, Own, Unknown, Ignored, Retried, Deferred, Died, Lost, TakenOver, Braked, Away, Recovered, Paused, Resumed}
}

// Outcome is one thing that happened. Entry is zero where it concerns the whole
// consumer; Err is set for failures.
type Outcome struct {
	What          Happening
	Stream, Group string
	Entry         Entry
	Err           error
	// Took is how long it took: the write of what was published, the handler's last
	// attempt at what was handled, retried or given up.
	Took time.Duration
}

// tagOf returns the hash tag of a key, braces included, or the whole key.
func tagOf(key string) string {
	open := strings.IndexByte(key, '{')
	if open < 0 {
		return key
	}
	end := strings.IndexByte(key[open:], '}')
	if end < 0 {
		return key
	}
	return key[open : open+end+1]
}
