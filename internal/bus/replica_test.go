package bus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// What a group has been given since Redis wrote its file anew, or made a replica,
// Redis 7.0 does not count when it replays that.
func TestNoLagAfterARestartOfRedis(t *testing.T) {
	t.Parallel()
	server := bustest.Start(t)
	r := newRig(t, server.Addr())
	r.publish(names("p", 20)...)
	stop := r.consume("a", func(context.Context, bus.Entry) error { return nil })
	r.settled(10 * time.Second)
	client := server.Client()
	if err := client.BgRewriteAOF(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the file is written anew", func() bool {
		info, err := client.Info(t.Context(), "persistence").Result()
		return err == nil && strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
	})
	r.publish(names("q", 20)...)
	r.settled(10 * time.Second)
	stop()
	server.Kill()
	server.Restart()
	infos, err := r.Streams(t.Context(), stream)
	if err != nil || len(infos) != 1 || len(infos[0].Groups) != 1 {
		t.Fatal(infos, err)
	}
	if lag := infos[0].Groups[0].Lag; lag == nil || *lag != 0 {
		t.Errorf("lag %v, want 0", lag)
	}
}

// A server that becomes a replica is an outage. The group is still there.
func TestAServerThatBecomesAReplica(t *testing.T) {
	t.Parallel()
	server, other := bustest.Start(t), bustest.Start(t)
	r := newRig(t, server.Addr())
	r.publish("p0")
	r.consume("a", func(context.Context, bus.Entry) error { return nil })
	r.settled(10 * time.Second)
	client := server.Client()
	eventually(t, 5*time.Second, "a read waits", func() bool {
		info, err := client.Info(t.Context(), "clients").Result()
		return err == nil && !strings.Contains(info, "blocked_clients:0")
	})
	if err := client.Do(t.Context(), "REPLICAOF", "127.0.0.1", other.Port).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the consumer says so", func() bool { return strings.Contains(r.log.String(), "cannot read") })
	if strings.Contains(strings.SplitAfterN(r.log.String(), "cannot read", 2)[0], "the group is gone") {
		t.Error("it says that the group is gone")
	}
}
