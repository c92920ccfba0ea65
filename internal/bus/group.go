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
	batchTimeout  = 10 * time.Second
	comeBack      = 150 * time.Microsecond
)

// groups gathers concurrent changes into calls of commit.lua, one line of
// calls for each slot. go-redis's AutoPipeline gathers commands in the same
// way, but leaves one script call per command, which costs Redis about a third
// more per change; docs/decisions/0003 has the figures.
type groups struct {
	client redis.UniversalClient
	script *redis.Script
	tracer Tracer // may be nil
	batch  func(changes int)

	mu     sync.Mutex
	lines  map[string]chan *pending // by hash tag
	closed bool
	wg     sync.WaitGroup
	ctx    context.Context // of the calls; ends with the Bus
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

func newGroups(ctx context.Context, client redis.UniversalClient, script *redis.Script, opt Options) *groups {
	return &groups{client: client, script: script, tracer: opt.Tracer, batch: opt.ObserveBatch, lines: map[string]chan *pending{}, ctx: ctx}
}

func (g *groups) do(ctx context.Context, c Change) (ID, error) {
	if ctx.Err() != nil {
		return ID{}, &UnavailableError{Op: "commit " + c.Key, Err: ctx.Err()}
	}
	p := &pending{ctx: ctx, change: c, call: c.encode(), done: make(chan outcome, 1)}
	if err := g.enqueue(p); err != nil {
		return ID{}, err
	}
	select {
	case o := <-p.done:
		return o.id, o.err
	case <-ctx.Done():
		return ID{}, &UnavailableError{Op: "commit " + c.Key, Err: ctx.Err()}
	}
}

func (g *groups) enqueue(p *pending) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	tag := tagOf(p.change.Key)
	line, ok := g.lines[tag]
	if !ok {
		line = make(chan *pending, maxQueue)
		g.lines[tag] = line
		g.wg.Go(func() { g.run(line) })
	}
	select {
	case line <- p:
		return nil
	default:
		return &UnavailableError{Op: "commit " + p.change.Key, Err: errQueueFull}
	}
}

// run sends the changes of one slot until the line is closed.
func (g *groups) run(line chan *pending) {
	batch := make([]*pending, 0, maxBatch)
	for first := range line {
		batch = gather(append(batch[:0], first), line)
		g.send(batch)
		if len(batch) > 1 {
			letCome(line, len(batch))
		}
		clear(batch)
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

// gather takes what is waiting, up to the bounds, leaving out those whose
// callers have gone.
func gather(batch []*pending, line chan *pending) []*pending {
	bytes := batch[0].call.size()
	for len(batch) < maxBatch && bytes < maxBatchBytes {
		select {
		case p, ok := <-line:
			if !ok {
				return batch
			}
			if p.ctx.Err() == nil {
				batch = append(batch, p)
				bytes += p.call.size()
			}
		default:
			return batch
		}
	}
	return batch
}

func (g *groups) send(batch []*pending) {
	keys, args := make([]string, 0, 4*len(batch)), header(len(batch))
	for _, p := range batch {
		keys, args = p.call.appendTo(keys, args)
	}
	ctx, cancel := context.WithTimeout(g.ctx, batchTimeout)
	defer cancel()
	ctx, done := g.together(ctx, batch)
	g.batch(len(batch))
	replies, err := g.script.Run(ctx, g.client, keys, args...).Slice()
	if err == nil && len(replies) != 2*len(batch) {
		err = fmt.Errorf("%d changes, %d values in answer", len(batch), len(replies))
	}
	if done != nil {
		done(err)
	}
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
	for _, line := range g.lines {
		n += len(line)
	}
	return n
}

// close refuses further changes and waits for those under way.
func (g *groups) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		for _, line := range g.lines {
			close(line)
		}
	}
	g.mu.Unlock()
	g.wg.Wait()
}
