package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

func xadd(fields ...string) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: stream, Values: fields}
}

func count(c *tally) bus.Handler {
	return func(_ context.Context, e bus.Entry) error { c.add(e); return nil }
}

// A replica dies with entries in hand: here it is frozen out by cutting it off
// from Redis for good, which is what kill -9 looks like to the others.
func TestTheDeadAreInheritedFrom(t *testing.T) {
	server := bustest.Start(t)
	p := bustest.NewProxy(t, server.Addr())
	doomed := newRig(t, p.Addr())
	r := newRig(t, server.Addr())
	r.publish(names("p", 20)...)
	stuck := make(chan struct{})
	doomed.consume("doomed", func(ctx context.Context, _ bus.Entry) error {
		select {
		case <-stuck:
		case <-ctx.Done():
		}
		return errors.New("never done")
	})
	defer close(stuck)
	eventually(t, 5*time.Second, "the doomed one has them all", func() bool {
		x, err := r.client.XPending(t.Context(), stream, "query").Result()
		return err == nil && x.Count == 20
	})
	p.Refuse(true)
	seen := newTally()
	r.consume("heir", count(seen))
	r.settled(30 * time.Second)
	if seen.distinct() != 20 {
		t.Errorf("the heir handled %d, want 20", seen.distinct())
	}
}

// A handler slower than the sign of life's TTL keeps its entry.
func TestTheSlowAreNotRobbed(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.publish("slow")
	var slow, other atomic.Int32
	r.consume("slow", func(context.Context, bus.Entry) error {
		slow.Add(1)
		<-time.After(20 * time.Second) // longer than Alive and four sweeps
		return nil
	})
	eventually(t, 5*time.Second, "the slow one has begun", func() bool { return slow.Load() == 1 })
	r.consume("quick", func(context.Context, bus.Entry) error { other.Add(1); return nil })
	r.settled(30 * time.Second)
	if slow.Load() != 1 || other.Load() != 0 {
		t.Errorf("the slow one began %d times, the other %d; want 1 and 0", slow.Load(), other.Load())
	}
}

// The reply to a read is lost: Redis counts the entries as delivered, and they
// are taken up all the same.
func TestLostReplyOfARead(t *testing.T) {
	server := bustest.Start(t)
	p := bustest.NewProxy(t, server.Addr())
	r := newRig(t, p.Addr())
	seen := newTally()
	r.consume("a", count(seen))
	r.publish("warm")
	r.settled(5 * time.Second)
	p.SwallowReply("xreadgroup", 1)
	// The read that waits has been sent already; the next one is struck, when
	// there is something to lose.
	direct := newRig(t, server.Addr())
	deadline := time.Now().Add(10 * time.Second)
	n := 0
	for p.Lost() == 0 && time.Now().Before(deadline) {
		direct.publish(names(fmt.Sprintf("p%d-", n), 10)...)
		n++
	}
	if p.Lost() == 0 {
		t.Fatal("no reply was lost")
	}
	r.settled(15 * time.Second)
	if seen.distinct() != 10*n+1 {
		t.Errorf("handled %d of %d", seen.distinct(), 10*n+1)
	}
	if r.count(bus.TakenOver) == 0 {
		t.Error("nothing had to be taken up: the lost reply held no entries")
	}
}

func TestStreamAndGroupVanish(t *testing.T) {
	for _, how := range []string{"FLUSHALL", "XGROUP DESTROY", "DEL"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t, bustest.Start(t).Addr())
			seen := newTally()
			r.consume("a", count(seen))
			r.publish("before")
			r.settled(5 * time.Second)
			var err error
			switch how {
			case "FLUSHALL":
				err = r.client.FlushAll(t.Context()).Err()
			case "DEL":
				err = r.client.Del(t.Context(), stream).Err()
			default:
				err = r.client.XGroupDestroy(t.Context(), stream, "query").Err()
			}
			if err != nil {
				t.Fatal(err)
			}
			r.publish("after")
			eventually(t, 10*time.Second, "the next entry is handled", func() bool { return seen.of("after") > 0 })
			r.settled(10 * time.Second)
			if how == "XGROUP DESTROY" && seen.of("before") != 2 { // its history is read again
				t.Errorf("the entry before was handled %d times, want 2", seen.of("before"))
			}
			lines := 0
			for line := range strings.Lines(r.log.String()) {
				if strings.Contains(line, "the group is gone") && strings.Contains(line, "stream="+stream) {
					lines++
				}
			}
			if lines != 1 {
				t.Errorf("%d lines about the group, want 1", lines)
			}
		})
	}
}

func TestAConsumerWithPendingEntriesStays(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	r.publish("a")
	r.client.XGroupCreate(ctx, stream, "query", "0")
	read := &redis.XReadGroupArgs{Group: "query", Consumer: "gone", Streams: []string{stream, ">"}, Count: 1}
	got, err := r.client.XReadGroup(ctx, read).Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteConsumer(ctx, stream, "query", "gone"); !errors.Is(err, bus.ErrBusy) {
		t.Errorf("with an entry pending: got %v, want ErrBusy", err)
	}
	r.client.XAck(ctx, stream, "query", got[0].Messages[0].ID)
	r.client.Set(ctx, "{posts}:alive:query:gone", "x", time.Minute)
	if err := r.DeleteConsumer(ctx, stream, "query", "gone"); !errors.Is(err, bus.ErrBusy) {
		t.Errorf("with a sign of life: got %v, want ErrBusy", err)
	}
	r.client.Del(ctx, "{posts}:alive:query:gone")
	if err := r.DeleteConsumer(ctx, stream, "query", "gone"); err != nil {
		t.Errorf("empty and gone: got %v", err)
	}
	if err := r.DeleteConsumer(ctx, stream, "query", "gone"); !errors.Is(err, bus.ErrNotFound) {
		t.Errorf("again: got %v, want ErrNotFound", err)
	}
}

func TestEntriesTrimmedWhilePendingAreReported(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	r.publish(names("p", 5)...)
	r.client.XGroupCreate(ctx, stream, "query", "0")
	// A predecessor of the same name took them and died, and then they were trimmed.
	if err := r.client.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: "query", Consumer: "a", Streams: []string{stream, ">"}, Count: 5,
	}).Err(); err != nil {
		t.Fatal(err)
	}
	r.client.XTrimMaxLen(ctx, stream, 2)
	seen := newTally()
	r.consume("a", count(seen))
	r.settled(10 * time.Second)
	if r.count(bus.Lost) != 3 || seen.distinct() != 2 {
		t.Errorf("lost %d and handled %d, want 3 and 2", r.count(bus.Lost), seen.distinct())
	}
	if n := strings.Count(r.log.String(), "trimmed"); n != 3 {
		t.Errorf("%d lines in the log, want 3", n)
	}
}

// Errors of the infrastructure make the consumer wait and count for nothing.
func TestInfrastructureErrorsAreNotCounted(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	r.publish("p0")
	ctx := t.Context()
	for _, s := range []string{stream, "{query}:redrive"} {
		if err := r.client.XGroupCreateMkStream(ctx, s, "query", "0").Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.client.ConfigSet(ctx, "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	tries := newTally()
	r.consume("a", func(ctx context.Context, e bus.Entry) error {
		if tries.add(e)%2 == 1 { // an error that this package has not seen
			return r.client.Set(ctx, "{query}:mine", e.Event.Subject, 0).Err()
		}
		_, err := r.Commit(ctx, bus.Change{Key: "{query}:" + e.Event.Subject, Doc: []byte("{}"), Priority: bus.Ordinary})
		if errors.Is(err, bus.ErrConflict) {
			return nil
		}
		return err
	})
	eventually(t, 5*time.Second, "the consumer waits", func() bool { return r.count(bus.Away) == 1 })
	eventually(t, 30*time.Second, "more tries than an error would get", func() bool { return tries.of("p0") > 5 })
	if err := r.client.ConfigSet(ctx, "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	r.settled(20 * time.Second)
	if r.count(bus.Handled) != 1 || r.count(bus.Retried) != 0 || len(r.dead()) != 0 {
		t.Errorf("handled %d, retried %d, dead %d; want 1, 0, 0", r.count(bus.Handled), r.count(bus.Retried), len(r.dead()))
	}
	if n := strings.Count(r.log.String(), "waiting until"); n != 1 {
		t.Errorf("%d lines about the waiting, want 1", n)
	}
}

// An entry that fails by itself, in hand when the infrastructure was away, is no
// reason to think that it still is.
func TestAFaultOfAnEntryEndsTheWaiting(t *testing.T) {
	for name, fault := range map[string]error{"error": errors.New("poison"), "permanent": bus.Permanent(errors.New("poison"))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := bus.Connect(bustest.Start(t).URL())
			if err != nil {
				t.Fatal(err)
			}
			r := newRigTuned(t, client, bus.Options{Retry: bus.RetryPolicy{First: 10 * time.Millisecond}})
			tries := newTally()
			r.consume("a", func(_ context.Context, e bus.Entry) error {
				if n := tries.add(e); e.Event.Subject != "poison" {
					return nil
				} else if n == 1 {
					return &bus.UnavailableError{Op: "try", Err: errors.New("away")}
				}
				return fault
			})
			r.publish("poison")
			eventually(t, 5*time.Second, "it is tried again", func() bool { return tries.of("poison") >= 2 })
			r.publish(names("p", 20)...)
			r.settled(10 * time.Second)
			if r.count(bus.Handled) != 20 || len(r.dead()) != 1 || r.count(bus.Recovered) != 1 {
				t.Errorf("handled %d, dead %d, went on %d times; want 20, 1, 1", r.count(bus.Handled), len(r.dead()), r.count(bus.Recovered))
			}
		})
	}
}

// Redis away for five seconds: nothing is lost, nothing is given up, and the
// log says it in a line.
func TestRedisAwayAndBack(t *testing.T) {
	server := bustest.Start(t)
	r := newRig(t, server.Addr())
	seen, away := newTally(), make(chan struct{})
	r.consume("a", func(_ context.Context, e bus.Entry) error {
		<-away // so that what is done cannot be acknowledged at first
		seen.add(e)
		return nil
	})
	r.publish(names("p", 100)...)
	eventually(t, 5*time.Second, "all are in hand", func() bool {
		x, err := r.client.XPending(t.Context(), stream, "query").Result()
		return err == nil && x.Count == 100
	})
	server.Kill()
	close(away)
	<-time.After(5 * time.Second)
	server.Restart()
	eventually(t, 5*time.Second, "the client notices that Redis is back", func() bool { return r.Ready(t.Context()) == nil })
	r.publish(names("q", 100)...)
	r.settled(20 * time.Second)
	if seen.distinct() != 200 || r.count(bus.Handled) != 200 || len(r.dead()) != 0 {
		t.Errorf("handled %d different in %d calls, %d dead; want 200, 200 and 0", seen.distinct(), r.count(bus.Handled), len(r.dead()))
	}
	if n := strings.Count(r.log.String(), "cannot read"); n > 2 { // the stream's reader and the redrive stream's
		t.Errorf("%d lines about reading, want one for each reader", n)
	}
}

// An entry that kills its process again and again is counted out, and those
// that were in hand with it are not.
func TestAnEntryThatKillsItsReader(t *testing.T) {
	r := newRig(t, bustest.Start(t).Addr())
	ctx := t.Context()
	ids := r.publish("innocent", "killer")
	r.client.XGroupCreate(ctx, stream, "query", "0")
	r.client.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "query", Consumer: "a", Streams: []string{stream, ">"}, Count: 5})
	// Twenty processes have died over it since.
	for i, id := range ids {
		r.client.Do(ctx, "XCLAIM", stream, "query", "a", 0, id.String(), "RETRYCOUNT", 4+16*i)
	}
	seen := newTally()
	r.consume("a", count(seen))
	r.settled(15 * time.Second)
	letters := r.dead()
	if len(letters) != 1 || letters[0].Entry != ids[1] || seen.of("innocent") != 1 || seen.of("killer") != 0 {
		t.Errorf("got dead %+v, innocent %d, killer %d; want the killer dead and unhandled", letters, seen.of("innocent"), seen.of("killer"))
	}
}
