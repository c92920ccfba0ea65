package bus

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"newsfeed/internal/event"
)

// Handler does what an entry asks for. Returning nil acknowledges it, and so
// does an error that wraps [event.ErrUnknownType] or was made by [Ignore]; one that wraps
// [event.ErrMalformed] or was made by [Permanent] makes it a dead letter at
// once; one made by [NotYet], or for which [Unavailable] holds, has it tried
// again without counting; any other counts as an attempt, and so does a panic. A
// handler may meet an entry more than once and out of order.
type Handler func(ctx context.Context, e Entry) error

// Subscription says who reads what.
type Subscription struct {
	// Group is the consumer group on every stream, by custom the service's
	// name. It owns the keys under its tag: {group}:dead and {group}:redrive.
	Group string
	// Consumer names this replica within the group. It must be the same after a
	// restart, so that the replica finds what it left, and no other replica's.
	Consumer string
	// Streams are read each by a reader of its own; they need not share a slot.
	Streams []string
	// Own, if set, names the service whose own stream, if it is among these, is read
	// for what others write there: the entries of which it is the source are
	// acknowledged and not handled, since their effect was written with them.
	Own string
}

// Consume hands the entries of the subscription's streams to h until ctx ends,
// then waits for handlers that run and acknowledges what they did. It returns
// nil after such a stop. Entries redriven from the group's dead letters come
// with the stream and id that they first had.
//
// Groups are made where they are missing, reading from the beginning. Redis
// going away, or losing the group, ends nothing: the consumer waits and goes on.
func (b *Bus) Consume(ctx context.Context, s Subscription, h Handler) error {
	if s.Group == "" || s.Consumer == "" || len(s.Streams) == 0 {
		return errors.New("consume: group, consumer and at least one stream are needed")
	}
	consumers := make([]*consumer, 0, len(s.Streams)+1)
	for _, stream := range s.Streams {
		consumers = append(consumers, b.newConsumer(s, stream, h))
	}
	redrive := b.newConsumer(s, RedriveStream(s.Group), h)
	redrive.redrive = true
	consumers = append(consumers, redrive)

	// The signs of life outlast the readers: what those still do is theirs.
	lives, die := context.WithCancel(context.WithoutCancel(ctx))
	token := uuid.NewString()
	keys := map[string]bool{}
	var keepers, readers sync.WaitGroup
	for _, c := range consumers {
		key := aliveKey(c.stream, s.Group, s.Consumer)
		if !keys[key] { // streams of one owner share it
			keys[key] = true
			keepers.Go(func() { life{b, key, token, c.log}.keep(lives) })
		}
		readers.Go(func() { c.run(ctx) })
	}
	readers.Wait()
	parting, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	die()
	keepers.Wait()
	b.leave(parting, consumers)
	return nil
}

// leave takes the consumers out of their groups where they leave nothing behind:
// a replica that comes back under its name is entered again, and one that does
// not, as with pods, has left no name. What is pending keeps its consumer, for
// others to inherit from.
func (b *Bus) leave(ctx context.Context, consumers []*consumer) {
	var all sync.WaitGroup
	for _, c := range consumers {
		all.Go(func() {
			err := b.DeleteConsumer(ctx, c.stream, c.group, c.name)
			if err != nil && !errors.Is(err, ErrNotFound) {
				c.log.Info("could not leave the group; others will see to it", "error", err)
			}
		})
	}
	all.Wait()
}

// consumer reads one stream for one replica. Its reader takes entries in, its
// lanes run the handlers, its acker tells Redis what is done.
type consumer struct {
	b       *Bus
	stream  string
	group   string
	name    string
	redrive bool
	own     string // the source whose entries are not handled, "" for none
	handle  Handler
	log     *slog.Logger

	mu      sync.Mutex
	hand    hand
	lanes   map[string]*lane
	ready   []*lane // have work and wait for a worker
	running int     // workers
	workers sync.WaitGroup
	stopped bool
	resting bool // an operator has paused the group
	brake   brake

	acks    []ID
	ackable chan struct{} // there are the first acks, or enough
	wake    chan struct{} // the reader may have more to do
	sweeper sweeper

	handlerCtx context.Context
}

func (b *Bus) newConsumer(s Subscription, stream string, h Handler) *consumer {
	c := &consumer{
		b: b, stream: stream, group: s.Group, name: s.Consumer, handle: h,
		log:  b.log.With("stream", stream, "group", s.Group, "consumer", s.Consumer),
		hand: newHand(b.opt), lanes: map[string]*lane{},
		brake:   newBrake(b.opt),
		ackable: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}
	if s.Own != "" && stream == event.Stream(s.Own) {
		c.own = s.Own
	}
	return c
}

// run works until ctx ends and everything in hand has been put down.
func (c *consumer) run(ctx context.Context) {
	lasting := context.WithoutCancel(ctx)
	handlerCtx, cancelHandlers := context.WithCancel(lasting)
	defer cancelHandlers()
	c.handlerCtx = handlerCtx

	ackCtx, stopAcks := context.WithCancel(lasting)
	var acker sync.WaitGroup
	acker.Go(func() { c.ackLoop(ackCtx) })

	context.AfterFunc(ctx, func() { // from here on, though the reader may take a moment to notice
		sleep(handlerCtx, c.b.opt.Drain)
		if handlerCtx.Err() == nil {
			c.log.Warn("handlers did not end in time and are cancelled", "after", c.b.opt.Drain)
			cancelHandlers()
		}
	})
	c.read(ctx)

	c.workOff(c.b.opt.Drain / 4)
	c.stop()
	c.workers.Wait()
	stopAcks()
	acker.Wait()
	c.flushAcks(lasting)
}

func (c *consumer) observeTask(what Happening, t *task, err error) {
	c.b.opt.Observe(Outcome{What: what, Stream: c.stream, Group: c.group, Entry: t.entry, Err: err, Took: t.took})
}

func (c *consumer) observe(what Happening, e Entry, err error) {
	c.b.opt.Observe(Outcome{What: what, Stream: c.stream, Group: c.group, Entry: e, Err: err})
}

func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
