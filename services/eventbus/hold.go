package eventbus

import (
	"context"
	"errors"
	"sync"
	"time"
)

var errNotHolder = errors.New("another replica pushes to this subscriber")

// run pushes to the subscriber until ctx ends, whenever this replica is its
// holder. Of several replicas one is; when it dies, another takes over as soon as
// the lease has run out.
func (p *pusher) run(ctx context.Context) {
	for ctx.Err() == nil {
		asked, held := time.Now(), false
		err := p.insist(ctx, func() (err error) {
			asked = time.Now()
			held, err = p.store.keep(ctx, p.sub.name(), p.replica, p.times.Lease)
			return err
		})
		if err == nil && held && errors.Is(p.hold(ctx, asked.Add(p.times.Lease)), errGone) {
			return
		}
		pause(ctx, p.times.Lease/4)
	}
}

// hold pushes while the lease, which ends at until, can be renewed.
func (p *pusher) hold(ctx context.Context, until time.Time) error {
	held, lose := context.WithCancel(context.WithoutCancel(ctx))
	run, stop := context.WithCancel(ctx)
	soft, end := context.WithCancel(held)
	defer context.AfterFunc(held, stop)()
	defer context.AfterFunc(run, func() { time.AfterFunc(p.times.Grace, end) })()

	var keeper sync.WaitGroup
	keeper.Go(func() { p.renew(held, lose, until) })
	p.log.Info("pushing")
	err := p.push(run, soft)
	if ctx.Err() == nil && !errors.Is(err, errGone) {
		p.log.Warn("another replica may push from now on", "error", err)
	}
	stop()
	lose()
	end()
	keeper.Wait()

	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := p.store.release(last, p.sub.name(), p.replica); err != nil {
		p.log.Info("could not let go; other replicas will notice by time", "error", err)
	}
	return err
}

// renew keeps the lease until held ends, and calls lose when it cannot.
func (p *pusher) renew(held context.Context, lose func(), until time.Time) {
	expired := time.AfterFunc(time.Until(until), lose)
	defer expired.Stop()
	for {
		pause(held, p.times.Lease/4)
		if held.Err() != nil {
			return
		}
		asked := time.Now()
		ours, err := p.store.keep(held, p.sub.name(), p.replica, p.times.Lease)
		switch {
		case err != nil: // until the lease has run out
		case !ours:
			lose()
		default:
			expired.Reset(time.Until(asked.Add(p.times.Lease)))
		}
	}
}
