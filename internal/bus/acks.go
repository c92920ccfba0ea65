package bus

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxAcks bounds one XACK.
const maxAcks = 1000

// done hands an entry to the acker. Needs c.mu.
func (c *consumer) done(id ID) {
	c.acks = append(c.acks, id)
	if n := len(c.acks); n == 1 || n == c.enoughAcks() {
		notify(c.ackable)
	}
}

// enoughAcks is how many wait for no more: with these out of hand the reader can
// go on.
func (c *consumer) enoughAcks() int { return max(1, min(c.b.opt.Batch, c.b.opt.InHand)/2) }

// ackLoop tells Redis what is done, in one command for all that is done within a
// short while: each is a write of its own, with a sync to disk where Redis makes
// one for each, and what the entry has led to should not have to wait behind it.
func (c *consumer) ackLoop(ctx context.Context) {
	delay := newBackOff(50*time.Millisecond, 2*time.Second, 2)
	refused := false
	for {
		select {
		case <-c.ackable:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil {
			c.gatherAcks(ctx)
			ids := c.takeAcks()
			if len(ids) == 0 {
				break
			}
			if err := c.ack(ctx, ids); err != nil {
				c.putBack(ids)
				// While Redis is away its readers say so; a refusal they do not meet.
				if !refused && lasting(err) {
					refused = true
					c.log.Error("Redis refuses acknowledgements: done entries will be delivered again; trying until it works", "error", err)
				}
				sleep(ctx, delay.NextBackOff())
				continue
			}
			if refused {
				refused = false
				c.log.Info("Redis takes acknowledgements again")
			}
			delay.Reset()
			c.forget(ids)
		}
	}
}

// gatherAcks returns when enough is done, or what is has waited for long enough.
func (c *consumer) gatherAcks(ctx context.Context) {
	timer := time.NewTimer(c.b.opt.AckWait)
	defer timer.Stop()
	for {
		c.mu.Lock()
		n := len(c.acks)
		c.mu.Unlock()
		if n == 0 || n >= c.enoughAcks() {
			return
		}
		select {
		case <-c.ackable:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// flushAcks sends what is left when the consumer stops. What cannot be sent is
// delivered again, which handlers bear.
func (c *consumer) flushAcks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for {
		ids := c.takeAcks()
		if len(ids) == 0 {
			return
		}
		if err := c.ack(ctx, ids); err != nil {
			c.log.Warn("could not acknowledge; these entries will be delivered again", "entries", len(ids), "error", err)
			return
		}
	}
}

func (c *consumer) takeAcks() []ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.acks), maxAcks)
	ids := c.acks[:n:n]
	c.acks = c.acks[n:]
	return ids
}

func (c *consumer) putBack(ids []ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acks = append(ids, c.acks...)
	notify(c.ackable)
}

func (c *consumer) ack(ctx context.Context, ids []ID) error {
	args := make([]string, len(ids))
	for i, id := range ids {
		args[i] = id.String()
	}
	if !c.redrive {
		return c.b.client.XAck(ctx, c.stream, c.group, args...).Err()
	}
	_, err := c.b.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.XAck(ctx, c.stream, c.group, args...)
		p.XDel(ctx, c.stream, args...)
		return nil
	})
	return err
}

// forget takes acknowledged entries out of hand, which may let the reader on.
func (c *consumer) forget(ids []ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.hand.drop(id)
	}
	notify(c.wake)
}
