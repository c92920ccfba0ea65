package bus_test

import (
	"context"
	"regexp"
	"strconv"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// xacks is how many XACK Redis has been sent.
func (r *rig) xacks() int {
	r.t.Helper()
	m := regexp.MustCompile(`cmdstat_xack:calls=(\d+)`).FindStringSubmatch(r.client.Info(r.t.Context(), "commandstats").Val())
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func tuned(t *testing.T, opt bus.Options) *rig {
	t.Helper()
	client, err := bus.Connect(bustest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	return newRigTuned(t, client, opt)
}

// What is done one after the other within a short while is acknowledged together.
func TestAcknowledgementsTravelTogether(t *testing.T) {
	r := tuned(t, bus.Options{AckWait: 3 * time.Second})
	seen := newTally()
	r.consume("a", func(_ context.Context, e bus.Entry) error { seen.add(e); return nil })
	for i, id := range names("p", 20) {
		r.publish(id)
		eventually(t, 10*time.Second, "it is handled", func() bool { return seen.distinct() == i+1 })
	}
	r.settled(10 * time.Second)
	if n := r.xacks(); n > 2 {
		t.Errorf("%d acknowledgements for 20 entries", n)
	}
}

// So many that the reader would have to wait for them do not wait for others.
func TestAcknowledgementsHoldUpNoReader(t *testing.T) {
	r := tuned(t, bus.Options{AckWait: time.Hour, Batch: 20, InHand: 20})
	r.publish(names("p", 200)...)
	r.consume("a", func(context.Context, bus.Entry) error { return nil })
	eventually(t, 10*time.Second, "all are handled", func() bool { return r.count(bus.Handled) == 200 })
	eventually(t, 10*time.Second, "all but the last few are acknowledged", func() bool { return len(r.pendingOf("a")) < 10 })
}
