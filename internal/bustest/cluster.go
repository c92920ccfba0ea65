package bustest

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// StartCluster runs a cluster of one node that announces the proxy's address, so
// that a cluster client's every command passes the proxy, and returns both.
func StartCluster(t testing.TB) (*Proxy, redis.UniversalClient) {
	t.Helper()
	r := Start(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", strconv.Itoa(FreePort(t)))
	p := NewProxy(t, r.Addr())
	ctx := t.Context()
	c := r.Client()
	for _, cmd := range [][]any{
		{"CONFIG", "SET", "cluster-announce-ip", "127.0.0.1"},
		{"CONFIG", "SET", "cluster-announce-port", strconv.Itoa(p.Port())},
		{"CLUSTER", "ADDSLOTSRANGE", 0, 16383},
	} {
		if err := c.Do(ctx, cmd...).Err(); err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
	}
	Eventually(t, 10*time.Second, "the cluster is up", func() bool {
		return c.Set(ctx, "probe", 1, time.Second).Err() == nil
	})
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{p.Addr()}})
	t.Cleanup(func() { _ = client.Close() })
	return p, client
}
