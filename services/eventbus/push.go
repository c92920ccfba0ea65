package eventbus

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"newsfeed/internal/bus"
)

// pusher sends every event to one subscriber, one at a time and in the order of
// the merge. It writes down each before it sends the next, so that after a power
// cut at most the last one is sent again.
type pusher struct {
	sub     subscriber
	replica string // of this process; see store.keep
	store   *store
	merge   *bus.Merge
	client  *http.Client
	log     *slog.Logger
	times   times

	health *health
}

// times are how long things take, and how much there may be; the zero value stands
// for the defaults.
type times struct {
	// Lease is how long after its last sign of life a holder counts as dead.
	Lease time.Duration
	// Delivery is how long a subscriber may take to answer.
	Delivery time.Duration
	// Grace is what a delivery under way gets when the service stops.
	Grace time.Duration
	// First and Most bound the growing delay between tries.
	First, Most time.Duration
	// Look is how often a pusher looks for what is to be sent again.
	Look time.Duration
	// Rest is how long a subscriber that has failed for a while is left alone.
	Rest time.Duration
	// Letters and LetterBytes bound the dead letters of one subscriber.
	Letters, LetterBytes int
}

// A subscriber's dead letters are at most so many, with so many bytes.
const (
	maxLetters     = 1000
	maxLetterBytes = 16 << 20
)

func (t times) withDefaults() times {
	for field, usual := range map[*time.Duration]time.Duration{
		&t.Lease: 9 * time.Second, &t.Delivery: 30 * time.Second, &t.Grace: 2 * time.Second,
		&t.First: 200 * time.Millisecond, &t.Most: 10 * time.Second, &t.Look: time.Second,
		&t.Rest: 30 * time.Second,
	} {
		if *field == 0 {
			*field = usual
		}
	}
	t.Letters, t.LetterBytes = cmp.Or(t.Letters, maxLetters), cmp.Or(t.LetterBytes, maxLetterBytes)
	return t
}

func (t times) delays() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = t.First, t.Most, 2, 1.0/3
	b.Reset()
	return b
}

// push sends until run ends, or this replica is no longer the holder. What is
// under way then may go on until soft ends, which is a little later.
func (p *pusher) push(run, soft context.Context) error {
	var at place
	err := p.insist(run, func() (err error) {
		if err = p.store.register(run, p.sub); err == nil {
			at, err = p.store.place(run, p.sub.name())
		}
		return err
	})
	if err != nil {
		return err
	}
	reader := p.merge.From(at.At)
	var looked time.Time
	for run.Err() == nil {
		if time.Since(looked) >= p.times.Look {
			if err := p.resend(run, soft); err != nil {
				return err
			}
			looked = time.Now()
		}
		var e bus.Entry
		var ok bool
		if err := p.insist(run, func() (err error) { e, ok, err = reader.Next(run); return err }); err != nil {
			return err
		}
		if !ok {
			reader.Wait(run, p.times.Look)
			continue
		}
		if err := p.send(run, soft, e); err != nil {
			return err
		}
		at = place{Number: at.Number + 1, At: reader.At()}
		if err := p.insist(soft, func() error { return p.store.save(soft, p.sub.name(), p.replica, at) }); err != nil {
			return err
		}
	}
	return nil
}

// maxResend bounds what is sent again before the next look at the streams.
const maxResend = 10

// resend sends what has been taken back from the subscriber's dead letters.
func (p *pusher) resend(run, soft context.Context) error {
	group := groupOf(p.sub.name())
	var waiting []bus.Redriven
	err := p.insist(run, func() (err error) {
		waiting, err = p.store.bus.Redriven(run, group, maxResend)
		return err
	})
	for _, r := range waiting {
		if err == nil && r.Err == nil {
			err = p.send(run, soft, r.Entry)
		}
		if err == nil {
			err = p.insist(soft, func() error { return p.store.bus.DropRedriven(soft, group, r.Place) })
		}
	}
	return err
}

// insist calls do until it succeeds, ctx ends, or this replica is told that it is
// not the holder. Redis being away is logged once at its beginning and its end.
func (p *pusher) insist(ctx context.Context, do func() error) error {
	var since time.Time
	delay := p.times.delays()
	for {
		err := do()
		switch {
		case err == nil:
			if !since.IsZero() {
				p.log.Info("Redis answers again", "after", time.Since(since).Round(time.Millisecond))
			}
			return nil
		case errors.Is(err, errNotHolder):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case since.IsZero():
			since = time.Now()
			p.log.Warn("cannot push; trying until it works", "error", err)
		}
		pause(ctx, delay.NextBackOff())
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
