package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

// lane holds the entries in hand about one subject, in the order in which they
// came. One worker at most is on a lane; a lane that waits occupies none.
type lane struct {
	name  string
	queue []*task
	timer *time.Timer // of a lane that waits for its next attempt
}

// task is an entry in hand.
type task struct {
	message    redis.XMessage
	ack        ID    // the message's id, which on the redrive stream is not the entry's
	entry      Entry // as the handler sees it, once parsed
	parsed     bool
	size       int                         // bytes of the message
	deliveries int64                       // by Redis's count
	attempts   int                         // that failed here
	retries    *backoff.ExponentialBackOff // once it has failed
	waits      *backoff.ExponentialBackOff // once the handler has said NotYet
	dead       error                       // set once the entry is to become a dead letter
	took       time.Duration               // the last attempt
	ctx        context.Context             // for what is logged of it; never nil after it
}

// take puts entries into their lanes, leaving out what is in hand already.
// deliveries is parallel to entries; nil means that this is the first.
func (c *consumer) take(messages []redis.XMessage, deliveries []int64) {
	tasks := make([]*task, len(messages))
	for i, m := range messages {
		tasks[i] = c.newTask(m)
		if deliveries != nil {
			tasks[i].deliveries = deliveries[i]
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hand.measure(tasks)
	for _, t := range tasks {
		if !c.hand.take(t.ack, t.size) {
			continue
		}
		if c.passOver(t) {
			continue
		}
		name := t.laneOf()
		l := c.lanes[name]
		if l == nil {
			l = &lane{name: name}
			c.lanes[name] = l
			l.queue = append(l.queue, t)
			c.enqueue(l)
			continue
		}
		l.queue = append(l.queue, t)
	}
}

// newTask does as little as it can: it runs in the reader, which everything
// waits for. The entry is parsed by the worker.
func (c *consumer) newTask(m redis.XMessage) *task {
	t := &task{message: m, deliveries: 1, size: sizeOf(m)}
	t.ack, _ = ParseID(m.ID) // Redis made it
	return t
}

// laneOf names the lane of a task: that of its subject, or one of its own if it
// says nothing of a subject.
func (t *task) laneOf() string {
	if subject, ok := t.message.Values[event.FieldSubject].(string); ok && subject != "" {
		return subject
	}
	return t.message.ID
}

// parse makes the entry as the handler is to see it.
func (c *consumer) parse(t *task) {
	var err error
	if c.redrive {
		t.entry, err = parseRedriven(c.stream, t.message)
	} else {
		t.entry, err = parseEntry(c.stream, t.message)
	}
	t.dead, t.parsed = err, true
}

// enqueue makes the lane's work known and sees to it that there is a worker.
// Needs c.mu.
func (c *consumer) enqueue(l *lane) {
	c.ready = append(c.ready, l)
	if c.running < c.b.opt.Concurrency && !c.stopped {
		c.running++
		c.workers.Go(c.work)
	}
}

// work runs lanes until none is ready.
func (c *consumer) work() {
	c.mu.Lock() // and no defer: step gives it up meanwhile
	for len(c.ready) > 0 && !c.stopped {
		l := c.ready[0]
		c.ready[0] = nil
		c.ready = c.ready[1:]
		for c.step(l) {
		}
	}
	c.running--
	if c.running == 0 {
		notify(c.wake)
	}
	c.mu.Unlock()
}

// step does the first task of the lane and reports whether the worker should go
// on with it. Needs c.mu, and gives it up while the handler runs.
func (c *consumer) step(l *lane) bool {
	if c.stopped {
		return false
	}
	if c.resting || !c.brake.admit() {
		c.brake.hold(l)
		return false
	}
	t := l.queue[0]
	c.mu.Unlock()
	err := c.attempt(t)
	c.mu.Lock()
	return c.settle(l, t, err)
}

// attempt runs the handler, or buries an entry that is to become a dead letter.
func (c *consumer) attempt(t *task) error {
	if !t.parsed {
		c.parse(t)
	}
	if t.dead == nil && t.deliveries > c.b.opt.MaxDeliveries {
		t.dead = errKiller
	}
	if t.dead == nil {
		err := c.call(t)
		if !errors.Is(err, event.ErrMalformed) {
			return err
		}
		t.dead = err
	}
	ctx, cancel := context.WithTimeout(c.handlerCtx, c.b.opt.HandlerTimeout)
	defer cancel()
	if err := c.bury(ctx, t); err != nil {
		return err
	}
	return errBuried
}

// call runs the handler once.
func (c *consumer) call(t *task) error {
	ctx, cancel := context.WithTimeout(c.handlerCtx, c.b.opt.HandlerTimeout)
	defer cancel()
	t.ctx = c.handlerCtx
	var done func(error)
	if c.b.opt.Tracer != nil {
		ctx, done = c.b.opt.Tracer.Begin(ctx, Work{
			Kind: WorkProcess, Group: c.group, Entry: t.entry, Attempt: t.attempts + 1, Redriven: c.redrive,
		})
		t.ctx = context.WithoutCancel(ctx) // lends its values to what is logged of the attempt
	}
	begin := time.Now()
	err := c.try(event.NewContext(ctx, t.entry.Event.ID), t)
	t.took = time.Since(begin)
	if done != nil {
		done(err)
	}
	return err
}

// try makes a panic of the handler a failure of the one entry, as net/http does for
// one request.
func (c *consumer) try(ctx context.Context, t *task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
			c.log.ErrorContext(t.ctx, "the handler panicked", "id", t.entry.ID.String(), "type", t.entry.Event.Type,
				"event", t.entry.Event.ID, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return c.handle(ctx, t.entry)
}

var (
	errBuried = errors.New("became a dead letter")
	errKiller = errors.New("delivered too often without an answer: it may end the process that handles it")
)

// settle decides what becomes of a task after an attempt, and reports whether
// the worker should go on with the lane. Needs c.mu.
func (c *consumer) settle(l *lane, t *task, err error) bool {
	var notYet *notYetError
	var permanent *permanentError
	var ignored *ignoreError
	switch {
	case err == nil:
		c.observeTask(Handled, t, nil)
		return c.finish(l, t, true)
	case errors.Is(err, event.ErrUnknownType):
		c.observeTask(Unknown, t, err)
		return c.finish(l, t, true)
	case errors.As(err, &ignored):
		c.observeTask(Ignored, t, err)
		return c.finish(l, t, true)
	case errors.Is(err, errBuried):
		c.answered()
		return c.finish(l, t, false)
	case c.stopped:
		return false // it stays pending, for the next start or another replica
	case Unavailable(err) || cutOff(err):
		c.holdWhileAway(err)
		c.brake.hold(l)
		return false
	case errors.As(err, &notYet):
		c.answered()
		c.observeTask(Deferred, t, err)
		return c.park(l, &t.waits, 50*time.Millisecond, time.Second, 2)
	}
	c.answered()
	t.attempts++
	if c.brake.failed(t.ack) {
		c.holdAfterFailures(err)
	}
	final := errors.As(err, &permanent) || t.attempts >= c.b.opt.Retry.Attempts
	if final && !c.brake.on() {
		t.dead = err
		return true // the next step buries it
	}
	c.observeTask(Retried, t, err)
	c.log.InfoContext(t.ctx, "will try again", "id", t.entry.ID.String(), "type", t.entry.Event.Type,
		"event", t.entry.Event.ID, "attempt", t.attempts, "error", err)
	if c.brake.on() {
		c.brake.hold(l)
		return false
	}
	return c.park(l, &t.retries, c.b.opt.Retry.First, c.b.opt.Retry.Max, 3)
}

// finish takes the task out of its lane and hands it to the acker. Needs c.mu.
func (c *consumer) finish(l *lane, t *task, success bool) bool {
	c.done(t.ack)
	if success && c.brake.succeeded() {
		c.release()
	}
	l.queue[0] = nil
	l.queue = l.queue[1:]
	if len(l.queue) == 0 {
		delete(c.lanes, l.name)
		return false
	}
	return true
}

// park lets the lane wait for the next attempt at its first task, without a worker,
// for a delay that grows from first to most. Needs c.mu.
func (c *consumer) park(l *lane, delay **backoff.ExponentialBackOff, first, most time.Duration, factor float64) bool {
	if *delay == nil {
		*delay = newBackOff(first, most, factor)
	}
	l.timer = time.AfterFunc((*delay).NextBackOff(), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.stopped {
			c.enqueue(l)
		}
	})
	return false
}

// workOff lets the lanes that are ready go on for a while: the last read, under
// way when the consumer was told to stop, has mostly brought something, which
// would else lie until another replica takes it up. The reader has ended.
func (c *consumer) workOff(limit time.Duration) {
	enough := time.NewTimer(limit)
	defer enough.Stop()
	for {
		c.mu.Lock()
		idle := c.running == 0
		c.mu.Unlock()
		if idle {
			return
		}
		select {
		case <-c.wake:
		case <-enough.C:
			return
		}
	}
}

// stop lets no further task begin.
func (c *consumer) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, l := range c.lanes {
		if l.timer != nil {
			l.timer.Stop()
		}
	}
}
