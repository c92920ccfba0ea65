package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// sweeper is when to sweep next, and what the sweeps before have seen. Only the
// reader's goroutine touches it.
type sweeper struct {
	next    time.Time
	absent  map[string]time.Time // consumers without a sign of life, since when
	suspect ID                   // the last one taken up
	entered bool                 // the group knows the consumer
}

func (s *sweeper) due() bool { return !time.Now().Before(s.next) }
func (s *sweeper) now()      { s.next = time.Time{} }

// suspectAfter is how many deliveries without an answer make an entry suspect
// of ending the process. Suspects are taken up one after the other, so that the
// innocent among them are not counted out with a guilty one; of the other entries
// that are in hand with it none is until it has become a suspect itself.
const suspectAfter = 3

// Between sweeps when there is more to take up: at once what there is room for, and
// less often what waits for room or for another suspect.
const (
	sweepSoon  = 50 * time.Millisecond
	sweepLater = 500 * time.Millisecond
)

// sweep takes up what nobody has in hand: entries pending under this consumer's
// own name whose delivery was lost, and entries of consumers that are dead. A
// group that an operator has paused takes up nothing, and is known all the same.
func (c *consumer) sweep(ctx context.Context) error {
	c.sweeper.next = time.Now().Add(c.b.opt.Sweep)
	if err := c.enter(ctx); err != nil {
		return err
	}
	if resting, err := c.obey(ctx); err != nil || resting {
		return err
	}
	if err := c.takeUp(ctx, c.name); err != nil {
		return err
	}
	return c.visitOthers(ctx)
}

// takeUp claims what is pending under owner's name and not in hand.
func (c *consumer) takeUp(ctx context.Context, owner string) error {
	listed, err := c.b.client.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: c.stream, Group: c.group, Consumer: owner, Start: "-", End: "+", Count: int64(2 * c.b.opt.InHand),
	}).Result()
	if err != nil {
		return err
	}
	ids, more := c.choose(listed)
	if more {
		again := sweepSoon
		if len(ids) == 0 {
			again = sweepLater
		}
		c.sweeper.next = time.Now().Add(min(c.b.opt.Sweep, again))
	}
	if len(ids) == 0 {
		return nil
	}
	return c.claim(ctx, owner, ids)
}

// choose picks, of what is pending, the entries to take up now, and reports
// whether there are more to come back for.
func (c *consumer) choose(listed []redis.XPendingExt) (ids []string, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := c.hand.room()
	var suspects []ID
	for _, p := range listed {
		id, err := ParseID(p.ID)
		switch {
		case err != nil || c.hand.has(id):
		case p.RetryCount >= suspectAfter:
			suspects = append(suspects, id)
		case len(ids) < room:
			ids = append(ids, p.ID)
		default:
			more = true
		}
	}
	if len(ids) == 0 && len(suspects) > 0 && room > 0 && !c.hand.has(c.sweeper.suspect) {
		c.sweeper.suspect, suspects = suspects[0], suspects[1:]
		ids = append(ids, c.sweeper.suspect.String())
	}
	return ids, more || len(suspects) > 0
}

// visitOthers claims from the dead and removes those that are long away.
func (c *consumer) visitOthers(ctx context.Context) error {
	others, err := c.b.client.XInfoConsumers(ctx, c.stream, c.group).Result()
	if err != nil {
		return err
	}
	c.sweeper.entered = slices.ContainsFunc(others, func(x redis.XInfoConsumer) bool { return x.Name == c.name })
	seen := map[string]time.Time{}
	for _, other := range others {
		if other.Name == c.name || other.Pending == 0 && other.Idle < c.b.opt.Retire {
			continue
		}
		alive, err := c.b.client.Exists(ctx, aliveKey(c.stream, c.group, other.Name)).Result()
		if err != nil {
			return err
		}
		if alive == 1 {
			continue
		}
		since, ok := c.sweeper.absent[other.Name]
		if !ok {
			since = time.Now()
		}
		seen[other.Name] = since
		// Twice absent: after Redis was away, the living need a moment to sign.
		if !ok || time.Since(since) < c.b.opt.Alive/3 {
			continue
		}
		if err := c.inherit(ctx, other); err != nil {
			return err
		}
	}
	c.sweeper.absent = seen
	return nil
}

func (c *consumer) inherit(ctx context.Context, dead redis.XInfoConsumer) error {
	if dead.Pending > 0 {
		return c.takeUp(ctx, dead.Name)
	}
	err := c.b.DeleteConsumer(ctx, c.stream, c.group, dead.Name)
	if err == nil {
		c.log.Info("removed an empty consumer", "removed", dead.Name, "away", dead.Idle.Round(time.Second))
	}
	if errors.Is(err, ErrBusy) || errors.Is(err, ErrNotFound) {
		return nil // it came back, or another replica was quicker
	}
	return err
}

// claim makes the entries this consumer's own and puts them into lanes. Entries
// that the stream no longer has are counted as lost.
func (c *consumer) claim(ctx context.Context, owner string, ids []string) error {
	args := make([]any, 0, 3+len(ids))
	args = append(args, c.group, c.name, owner)
	for _, id := range ids {
		args = append(args, id)
	}
	reply, err := c.b.Run(ctx, c.b.scripts.claim, []string{c.stream, aliveKey(c.stream, c.group, owner)}, args...).Slice()
	if err != nil {
		return err
	}
	claimed, lost, err := parseClaim(reply)
	if err != nil {
		return err
	}
	for _, id := range lost {
		entryID, _ := ParseID(id)
		c.log.Error("an entry was trimmed from the stream before it was handled; it is lost", "id", id)
		c.observe(Lost, Entry{Stream: c.stream, ID: entryID}, nil)
	}
	messages := make([]redis.XMessage, len(claimed))
	deliveries := make([]int64, len(claimed))
	for i, cl := range claimed {
		messages[i], deliveries[i] = cl.message, cl.deliveries
	}
	if len(claimed) > 0 {
		c.log.Info("took up entries that nobody had in hand", "from", owner, "entries", len(claimed))
	}
	c.take(messages, deliveries)
	for _, m := range messages {
		id, _ := ParseID(m.ID)
		c.observe(TakenOver, Entry{Stream: c.stream, ID: id}, nil)
	}
	return nil
}

type claimed struct {
	message    redis.XMessage
	deliveries int64
}

// parseClaim reads what claim.lua returns: {{id, deliveries, {field, value, …}}, …} and {lost id, …}.
func parseClaim(reply []any) ([]claimed, []string, error) {
	bad := fmt.Errorf("claim: unexpected answer %v", reply)
	if len(reply) != 2 {
		return nil, nil, bad
	}
	entries, ok1 := reply[0].([]any)
	gone, ok2 := reply[1].([]any)
	if !ok1 || !ok2 {
		return nil, nil, bad
	}
	got := make([]claimed, 0, len(entries))
	for _, e := range entries {
		parts, ok := e.([]any)
		if !ok || len(parts) != 3 {
			return nil, nil, bad
		}
		id, _ := parts[0].(string)
		n, _ := parts[1].(int64)
		got = append(got, claimed{redis.XMessage{ID: id, Values: valuesOf(parts[2])}, n})
	}
	lost := make([]string, 0, len(gone))
	for _, g := range gone {
		id, _ := g.(string)
		lost = append(lost, id)
	}
	return got, lost, nil
}
