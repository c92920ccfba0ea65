package bus

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// brake stops a consumer from taking new entries while handling them is of no
// use: when the infrastructure is away, or when many different entries have
// failed in a row, which speaks of the handler and not of the entries. While it
// is on, one task is let through now and then; one success releases it.
// Everything in it needs the consumer's mu.
type brake struct {
	limit  int
	streak map[ID]struct{} // entries that failed since the last success
	held   []*lane
	engage time.Time // when it went on; zero: off
	next   time.Time // of the next probe
	tokens int       // tasks that may pass although it is on
	turn   bool      // alternates between held and new entries
	mixed  bool      // probe with new entries too
	delay  time.Duration
	grow   *backoff.ExponentialBackOff
}

func newBrake(o Options) brake {
	return brake{limit: o.Brake, streak: map[ID]struct{}{}, grow: newBackOff(200*time.Millisecond, 10*time.Second, 2)}
}

func (b *brake) on() bool { return !b.engage.IsZero() }

// admit reports whether a task may begin.
func (b *brake) admit() bool {
	if !b.on() {
		return true
	}
	if b.tokens > 0 {
		b.tokens--
		return true
	}
	return false
}

func (b *brake) hold(l *lane) { b.held = append(b.held, l) }

// failed notes that the entry failed and reports whether that makes too many.
func (b *brake) failed(id ID) bool {
	b.streak[id] = struct{}{}
	return len(b.streak) >= b.limit
}

// succeeded ends the streak and reports whether the brake was on.
func (b *brake) succeeded() bool {
	if len(b.streak) > 0 {
		clear(b.streak)
	}
	return b.on()
}

// put sets the brake and reports whether it was off. mixed says that the
// entries at hand may be to blame, so that new ones should be tried too.
func (b *brake) put(mixed bool) bool {
	if b.on() {
		return false
	}
	b.engage = time.Now()
	b.mixed, b.turn = mixed, false
	b.grow.Reset()
	b.delay = b.grow.NextBackOff()
	b.next = time.Now().Add(b.delay)
	return true
}

// probeDue reports whether one task may be let through now, else how long not.
func (b *brake) probeDue() (wait time.Duration, due bool) {
	if wait = time.Until(b.next); wait > 0 {
		return wait, false
	}
	b.tokens = 1
	b.delay = b.grow.NextBackOff()
	b.next = time.Now().Add(b.delay)
	return 0, true
}

// again lets another new entry through at once, since nothing was tried with the
// one before.
func (b *brake) again() { b.next, b.turn = time.Time{}, !b.turn }

// nextHeld returns the lane to probe with, or nil if it should be a new entry,
// for which there must be room.
func (b *brake) nextHeld(room bool) *lane {
	b.turn = !b.turn
	if len(b.held) == 0 || b.mixed && !b.turn && room {
		return nil
	}
	l := b.held[0]
	b.held = b.held[1:]
	return l
}

// holdWhileAway puts the brake on because the infrastructure is away. Needs c.mu.
func (c *consumer) holdWhileAway(err error) {
	if c.brake.put(false) {
		c.log.Warn("waiting until the infrastructure answers", "error", err)
		c.observe(Away, Entry{}, err)
	}
}

// answered takes the brake off if it was for the infrastructure: a handler that has
// come to a verdict, of whatever kind, has met no obstacle there. Needs c.mu.
func (c *consumer) answered() {
	if c.brake.on() && !c.brake.mixed {
		c.release()
	}
}

// holdAfterFailures puts the brake on because too many entries fail. Needs c.mu.
func (c *consumer) holdAfterFailures(err error) {
	if c.brake.put(true) {
		c.log.Error("many different entries failed in a row: taking no new ones until one succeeds; nothing is lost, look at the handler",
			"failed", len(c.brake.streak), "error", err)
		c.observe(Braked, Entry{}, err)
	}
}

// release takes the brake off. Needs c.mu.
func (c *consumer) release() {
	b := &c.brake
	c.log.Info("working again", "after", time.Since(b.engage).Round(time.Millisecond))
	b.engage, b.tokens = time.Time{}, 0
	c.letGo()
	notify(c.wake)
	c.observe(Recovered, Entry{}, nil)
}
