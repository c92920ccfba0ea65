package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Pause is an operator's word that a group is to rest. It lies at
// {group}:paused and outlasts restarts; the consumers of every replica look for
// it at each sweep.
type Pause struct {
	Since  time.Time `json:"since,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

func pausedKey(group string) string { return groupKey(group, ":paused") }

// Pause lets the consumers of the group rest, on all replicas and within about
// one sweep: handlers that run go on to their end, no other begins. What has
// been read and not begun stays pending until [Bus.Resume]. It returns the pause
// that is in force, which is an earlier one if the group rests already.
func (b *Bus) Pause(ctx context.Context, group, reason string) (Pause, error) {
	p := Pause{Since: time.Now().UTC(), Reason: reason}
	data, err := json.Marshal(p)
	if err != nil {
		return Pause{}, err
	}
	before, err := b.Do(ctx, "SET", pausedKey(group), data, "NX", "GET").Text()
	switch {
	case errors.Is(err, redis.Nil):
		return p, nil
	case err != nil:
		return Pause{}, Err("pause "+group, err)
	default:
		return parsePause(before), nil
	}
}

// Resume lets the consumers of the group go on. It is [ErrNotFound] if the group
// does not rest.
func (b *Bus) Resume(ctx context.Context, group string) error {
	n, err := b.client.Del(ctx, pausedKey(group)).Result()
	if err == nil && n == 0 {
		return fmt.Errorf("%s is not paused: %w", group, ErrNotFound)
	}
	return Err("resume "+group, err)
}

// PauseOf returns the pause of the group, nil if it does not rest.
func (b *Bus) PauseOf(ctx context.Context, group string) (*Pause, error) {
	data, err := b.client.Get(ctx, pausedKey(group)).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil // not to be paused is no error
	}
	if err != nil {
		return nil, Err("pause of "+group, err)
	}
	p := parsePause(data)
	return &p, nil
}

// parsePause takes whatever stands at the key for a pause, since somebody may
// have set it by hand in a hurry.
func parsePause(data string) Pause {
	var p Pause
	if json.Unmarshal([]byte(data), &p) != nil {
		return Pause{Reason: data}
	}
	return p
}

// obey asks whether the group is to rest, and lets the consumer do so.
func (c *consumer) obey(ctx context.Context) (resting bool, err error) {
	p, err := c.b.PauseOf(ctx, c.group)
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case p != nil && !c.resting:
		c.resting = true
		c.observe(Paused, Entry{}, nil)
		c.log.Warn("paused by an operator: nothing is begun until the group is resumed", "since", p.Since, "reason", p.Reason)
	case p == nil && c.resting:
		c.resting = false
		c.observe(Resumed, Entry{}, nil)
		c.log.Info("resumed by an operator")
		if !c.brake.on() {
			c.letGo()
		}
	}
	return c.resting, nil
}

// letGo puts the lanes that were held back to work. Needs c.mu.
func (c *consumer) letGo() {
	held := c.brake.held
	c.brake.held = nil
	for _, l := range held {
		c.enqueue(l)
	}
}
