package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bounds of one group commit. A batch is what has gathered while the one before
// it was under way, so nobody waits for a batch to fill.
const (
	maxBatch      = 128
	maxBatchBytes = 1 << 20
	maxQueue      = 4096
	maxQueueBytes = 16 << 20
	batchTimeout  = 10 * time.Second
	comeBack      = 150 * time.Microsecond
)

// groups gathers concurrent changes into calls of commit.lua, one call at a time
// for each slot. go-redis's AutoPipeline gathers commands in the same way, but
// leaves one script call per command, which costs Redis about a third more per
// change; docs/decisions/0003 has the figures.
type groups struct {
	client redis.UniversalClient
	script *Script
	memory *memory
	tracer Tracer // may be nil
	batch  func(changes int)
	ctx    context.Context // of the calls that callers share; ends with the Bus

	mu     sync.Mutex
	lines  map[string]*line // by hash tag
	closed bool
	calls  sync.WaitGroup
}

// line is where the changes of one slot wait while a call for it is under way.
type line struct {
	queue chan *pending
	// The others need groups.mu.
	bytes int  // of what is in the queue
	busy  bool // a call is under way, after which the queue is looked at
}

// pending is a change on its way.
type pending struct {
	ctx    context.Context
	change Change
	call   encoded      // made by the caller, so that callers do it side by side
	done   chan outcome // buffered: the sender never waits
}

type outcome struct {
	id  ID
	err error
}

var errQueueFull = errors.New("too many writes are waiting")

// ErrClosed says that the Bus has been closed.
var ErrClosed = errors.New("the bus is closed")

func newGroups(ctx context.Context, client redis.UniversalClient, script *Script, m *memory, opt Options) *groups {
	return &groups{client: client, script: script, memory: m, tracer: opt.Tracer, batch: opt.ObserveBatch, lines: map[string]*line{}, ctx: ctx}
}

// do sends a change that is alone in the goroutine of its caller, which saves two
// changes of goroutine; one that comes while a call is under way goes with the next.
func (g *groups) do(ctx context.Context, c Change) (ID, error) {
	cutOff := func(err error) error { return &UnavailableError{Op: "commit " + c.Key, Err: err} }
	if ctx.Err() != nil {
		return ID{}, cutOff(ctx.Err())
	}
	p := &pending{ctx: ctx, change: c, call: c.encode(), done: make(chan outcome, 1)}
	if c.Priority == NewText {
		if err := g.memory.admit(ctx, int64(p.call.size())); err != nil {
			return ID{}, err
		}
	}
	l, alone, err := g.join(p)
	if err != nil {
		return ID{}, err
	}
	if alone {
		g.send(ctx, []*pending{p})
		g.handOver(l)
		o := <-p.done
		if errors.Is(o.err, context.Canceled) {
			return ID{}, cutOff(o.err)
		}
		return o.id, o.err
	}
	select {
	case o := <-p.done:
		return o.id, o.err
	case <-ctx.Done():
		return ID{}, cutOff(ctx.Err())
	}
}

// join puts p in line, or says that it is alone: then its caller sends it and
// hands over.
func (g *groups) join(p *pending) (l *line, alone bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, false, ErrClosed
	}
	tag := tagOf(p.change.Key)
	l, ok := g.lines[tag]
	if !ok {
		l = &line{queue: make(chan *pending, maxQueue)}
		g.lines[tag] = l
	}
	if !l.busy {
		l.busy = true
		g.calls.Add(1)
		return l, true, nil
	}
	if len(l.queue) == maxQueue || l.bytes >= maxQueueBytes {
		return nil, false, &UnavailableError{Op: "commit " + p.change.Key, Err: errQueueFull}
	}
	l.queue <- p
	l.bytes += p.call.size()
	return l, false, nil
}

// handOver ends the turn of a caller who was alone: what has come meanwhile is
// sent by a goroutine that lives for as long as there is something.
func (g *groups) handOver(l *line) {
	defer g.calls.Done()
	if batch := g.next(l, nil); len(batch) > 0 {
		g.calls.Go(func() { g.serve(l, batch) })
	}
}

func (g *groups) serve(l *line, batch []*pending) {
	for len(batch) > 0 {
		g.send(g.ctx, batch)
		if len(batch) > 1 {
			letCome(l.queue, len(batch))
		}
		clear(batch)
		batch = g.next(l, batch[:0])
	}
}

// letCome gives callers that have just been answered the time to come again, so
// that they go together: one full batch costs Redis one sync to disk where two
// halves cost two, and leaves nobody to wait for the next but one.
func letCome(line chan *pending, answered int) {
	for begin := time.Now(); len(line) < answered && time.Since(begin) < comeBack; {
		runtime.Gosched()
	}
}

// next appends to batch what is waiting, up to the bounds, leaving out those whose
// callers have gone. When there is nothing, no call is under way any more.
func (g *groups) next(l *line, batch []*pending) []*pending {
	g.mu.Lock()
	defer g.mu.Unlock()
	for bytes := 0; len(batch) < maxBatch && bytes < maxBatchBytes; {
		select {
		case p := <-l.queue:
			size := p.call.size()
			l.bytes -= size
			if p.ctx.Err() == nil {
				batch = append(batch, p)
				bytes += size
			}
		default:
			l.busy = len(batch) > 0
			return batch
		}
	}
	return batch
}

func (g *groups) send(ctx context.Context, batch []*pending) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	ctx, done := g.together(ctx, batch)
	g.batch(len(batch))
	replies, err := g.call(ctx, g.script.plain, batch)
	if Full(err) {
		batch, replies, err = g.sendBeyond(ctx, batch, err)
	}
	if done != nil {
		done(err)
	}
	answer(batch, replies, err)
}

// call makes one call of commit.lua.
func (g *groups) call(ctx context.Context, script *redis.Script, batch []*pending) ([]any, error) {
	keys, args := make([]string, 0, 4*len(batch)), header(len(batch))
	for _, p := range batch {
		keys, args = p.call.appendTo(keys, args)
	}
	replies, err := script.Run(ctx, g.client, keys, args...).Slice()
	if err == nil && len(replies) != 2*len(batch) {
		err = fmt.Errorf("%d changes, %d values in answer", len(batch), len(replies))
	}
	return replies, err
}

// sendBeyond sends the essential changes of a batch that Redis refused because it is
// full, and answers the others.
func (g *groups) sendBeyond(ctx context.Context, batch []*pending, full error) ([]*pending, []any, error) {
	var essential []*pending
	bytes := int64(0)
	for _, p := range batch {
		if p.change.Priority == Essential {
			essential = append(essential, p)
			bytes += int64(p.call.size())
		} else {
			answer([]*pending{p}, nil, full)
		}
	}
	if len(essential) == 0 || !g.memory.overdraw(ctx, bytes) {
		return essential, nil, full
	}
	replies, err := g.call(ctx, g.script.beyond, essential)
	return essential, replies, err
}

// answer gives every caller of a batch the result of its change.
func answer(batch []*pending, replies []any, err error) {
	for i, p := range batch {
		var o outcome
		if err != nil {
			o.err = Err("commit "+p.change.Key, err)
		} else {
			o.id, o.err = p.change.result(replies[2*i], replies[2*i+1])
		}
		p.done <- o
	}
}

// waiting returns how many changes are in line.
func (g *groups) waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, l := range g.lines {
		n += len(l.queue)
	}
	return n
}

// close refuses further changes and waits for those under way and in line.
func (g *groups) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.calls.Wait()
}
