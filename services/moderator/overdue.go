package moderator

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
)

// watchdog says when a comment is held too long: in the log, and to a webhook if
// there is one, once each time that the oldest passes the limit. Of several
// replicas one does it; where that one fails another tries again.
type watchdog struct {
	store *store
	limit time.Duration
	every time.Duration // how often it looks
	hook  *webhook      // nil for none
	log   *slog.Logger
}

const (
	// heldPoll is how often the queue is looked at.
	heldPoll = 15 * time.Second
	// alarmTry is how long one replica has for saying it.
	alarmTry = time.Minute
	// What the mark of the alarm says.
	alarmTrying, alarmSaid = "trying", "said"
)

// overdue reports whether the oldest has waited longer than limit.
func (s summary) overdue(limit time.Duration, now time.Time) bool {
	return s.Oldest != "" && now.Sub(s.Since) > limit
}

// run looks at the queue, and ends the blocks whose time is over, until ctx ends.
func (d watchdog) run(ctx context.Context) {
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := d.store.endBlocks(ctx, time.Now()); err != nil && ctx.Err() == nil && !bus.Unavailable(err) {
				d.log.WarnContext(ctx, "ending expired blocks failed, retrying", "err", err)
			}
			if err := d.look(ctx, time.Now()); err != nil && ctx.Err() == nil && !bus.Unavailable(err) {
				d.log.WarnContext(ctx, "could not say that a comment is held too long", "error", err)
			}
		}
	}
}

// alarm is what the webhook gets. It holds no text: who reads it may not be one
// who moderates.
type alarm struct {
	Type      string    `json:"type"`
	Held      int64     `json:"held"`
	CommentID string    `json:"commentId"`
	Since     time.Time `json:"since"`
	Limit     string    `json:"limit"`
}

// look looks at the queue once.
func (d watchdog) look(ctx context.Context, now time.Time) error {
	sum, err := d.store.waiting(ctx)
	if err != nil {
		return err
	}
	if !sum.overdue(d.limit, now) {
		return d.store.alarmOff(ctx)
	}
	mine, err := d.store.alarmOn(ctx)
	if err != nil || !mine {
		return err
	}
	if d.hook != nil {
		_, _, _, err := d.hook.send(ctx, alarm{"held-too-long", sum.Held, sum.Oldest, sum.Since, d.limit.String()})
		if err != nil {
			return err
		}
	}
	d.log.WarnContext(ctx, "a comment is held too long", "held", sum.Held, "comment", sum.Oldest, "since", sum.Since, "limit", d.limit)
	return d.store.alarmDone(ctx)
}

// alarmOn reports whether it is for the caller to say it now.
func (s *store) alarmOn(ctx context.Context) (bool, error) {
	_, err := s.bus.Do(ctx, "SET", alarmKey, alarmTrying, "NX", "PX", alarmTry.Milliseconds()).Result()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, bus.Err("alarm", err)
}

// alarmDone notes that it has been said.
func (s *store) alarmDone(ctx context.Context) error {
	return bus.Err("alarm", s.bus.Do(ctx, "SET", alarmKey, alarmSaid).Err())
}

// alarmOff notes that there is nothing to say.
func (s *store) alarmOff(ctx context.Context) error {
	return bus.Err("alarm", s.bus.Redis().Del(ctx, alarmKey).Err())
}
