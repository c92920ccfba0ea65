package bus

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"
)

// read takes entries in until ctx ends. It is the only goroutine that reads or
// claims for this consumer, so an entry that is pending under its name and not
// in hand was lost on its way here, and not merely on its way.
func (c *consumer) read(ctx context.Context) {
	trouble := newTrouble(c)
	for ctx.Err() == nil {
		if c.sweeper.due() {
			if err := c.sweep(ctx); err != nil {
				c.readFailed(ctx, trouble, err)
				continue
			}
		}
		count := c.turn(ctx)
		if count == 0 {
			continue
		}
		entries, err := c.readNew(ctx, count)
		if err != nil {
			c.readFailed(ctx, trouble, err)
			continue
		}
		trouble.over()
		c.take(entries, nil)
	}
}

// readNew asks for up to count entries that nobody in the group has had. It
// returns none after a while without any.
func (c *consumer) readNew(ctx context.Context, count int) ([]redis.XMessage, error) {
	block := c.block()
	ctx, cancel := waiting(ctx, block)
	defer cancel()
	streams, err := c.b.client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: c.group, Consumer: c.name, Streams: []string{c.stream, ">"},
		Count: int64(count), Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) || len(streams) == 0 && err == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return streams[0].Messages, nil
}

// block is how long the next read may wait: not beyond the next sweep.
func (c *consumer) block() time.Duration {
	return max(time.Millisecond, min(c.b.opt.Block, time.Until(c.sweeper.next)))
}

// waiting bounds a read that Redis answers after block at the latest. go-redis would
// add ten seconds, in which a Redis that hangs would be noticed by nobody, and during
// which a reader that is told to stop could not.
func waiting(ctx context.Context, block time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, block+2*time.Second)
}

// readFailed makes sure that nothing is left behind by the reply that was lost,
// and waits before the next try.
func (c *consumer) readFailed(ctx context.Context, trouble *trouble, err error) {
	c.sweeper.now()
	if ctx.Err() != nil {
		return
	}
	if noGroup(err) {
		c.sweeper.entered = false
		if trouble.hadGroup {
			c.log.Warn("the group is gone from the stream; making it again from the beginning", "error", err)
			trouble.hadGroup = false
		}
		c.makeGroup(ctx, trouble)
		return
	}
	trouble.wait(ctx, err)
}

// makeGroup makes group and stream where they are missing, trying until ctx ends.
func (c *consumer) makeGroup(ctx context.Context, trouble *trouble) {
	for ctx.Err() == nil {
		err := c.b.Do(ctx, "XGROUP", "CREATE", c.stream, c.group, "0", "MKSTREAM").Err()
		if err == nil || redis.HasErrorPrefix(err, "BUSYGROUP") {
			return
		}
		trouble.wait(ctx, err)
	}
}

// turn waits until the reader may read, and returns how many entries; 0 when it
// is time to look around again.
func (c *consumer) turn(ctx context.Context) int {
	for {
		c.mu.Lock()
		n, wait := c.allowance()
		c.mu.Unlock()
		if n > 0 || ctx.Err() != nil || c.sweeper.due() {
			return n
		}
		timer := time.NewTimer(min(wait, time.Until(c.sweeper.next)))
		select {
		case <-c.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// allowance returns how many entries may be read now, or how long to wait.
// While the brake is on it lets one entry through now and then, to see whether
// the trouble is over. Needs c.mu.
func (c *consumer) allowance() (n int, wait time.Duration) {
	if c.resting {
		return 0, c.b.opt.Sweep
	}
	if c.brake.on() {
		wait, probe := c.brake.probeDue()
		if !probe {
			return 0, wait
		}
		if l := c.brake.nextHeld(c.hand.room() > 0); l != nil {
			c.enqueue(l)
			return 0, c.brake.delay
		}
		return 1, 0
	}
	room := c.hand.room()
	if c.b.opt.InHand-c.hand.len() >= min(c.b.opt.InHand, c.enoughAcks()) {
		return min(room, c.b.opt.Batch), time.Second
	}
	return 0, time.Second
}

// trouble is a stretch of failing reads: a growing delay between tries and one
// line in the log at either end.
type trouble struct {
	c     *consumer
	delay *backoff.ExponentialBackOff
	since time.Time
	// hadGroup is set once a read has worked: a group that is missing after that
	// has vanished.
	hadGroup bool
}

func newTrouble(c *consumer) *trouble {
	return &trouble{c: c, delay: newBackOff(100*time.Millisecond, 3*time.Second, 2)}
}

func (t *trouble) wait(ctx context.Context, err error) {
	if t.since.IsZero() {
		t.since = time.Now()
		t.c.log.Warn("cannot read; trying until it works", "error", err)
	}
	sleep(ctx, t.delay.NextBackOff())
}

func (t *trouble) over() {
	t.hadGroup = true
	if t.since.IsZero() {
		return
	}
	t.c.log.Info("reading again", "after", time.Since(t.since).Round(time.Millisecond))
	t.since = time.Time{}
	t.delay.Reset()
}

func newBackOff(first, most time.Duration, factor float64) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = first, most, factor, 1.0/3
	b.Reset()
	return b
}
