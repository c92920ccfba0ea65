package e2e

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// chaos is the system with a proxy before each process, two Redis servers of which
// one leads, and everything that can go wrong.
type chaos struct {
	*system
	seed    uint64
	proxies map[*process]*bustest.Proxy
	spare   *bustest.Redis // follows s.redis
	faults  *faults
	load    *load
}

// TestChaos strikes the system with faults of all kinds while it is written to, and
// then looks whether every promise was kept. It is run by make chaos; what follows
// "chaos" on the command line are its own flags.
func TestChaos(t *testing.T) {
	if flag.Arg(0) != "chaos" {
		t.Skip("make chaos runs it")
	}
	own := flag.NewFlagSet("chaos", flag.ContinueOnError)
	last := own.Duration("for", time.Minute, "how long faults strike")
	seed := own.Uint64("seed", uint64(time.Now().UnixNano()), "which faults strike, and what is written")
	if err := own.Parse(flag.Args()[1:]); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s with -seed %d", *last, *seed)
	c := startChaos(t, *seed)
	c.load.start(6)
	c.faults.strike(*last)
	c.loseOneOfEach()
	c.load.end()
	t.Log(c.load)
	t.Log(c.faults)
	for _, never := range c.faults.missing(*last) {
		t.Errorf("not once in %s: %s", *last, never)
	}
	c.check()
	if t.Failed() {
		t.Logf("again: make chaos ARGS='-for %s -seed %d'", *last, *seed)
	}
}

func startChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	c := &chaos{
		system: &system{
			t: t, redis: bustest.Start(t, "--repl-diskless-sync-delay", "0"), replicas: map[string][]*process{},
			// Shorter than some of the faults: a client that does not know tries again.
			client: &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
		},
		seed: seed, proxies: map[*process]*bustest.Proxy{},
		spare: bustest.Start(t, "--repl-diskless-sync-delay", "0"),
	}
	c.follow()
	for _, name := range services {
		for i := range 2 {
			proxy := bustest.NewProxy(t, c.redis.Addr())
			p := newProcess(t, name, fmt.Sprintf("%s-%d", name, i), "redis://"+proxy.Addr())
			c.replicas[name] = append(c.replicas[name], p)
			c.proxies[p] = proxy
		}
	}
	t.Cleanup(c.end)
	for _, name := range services {
		c.start(name)
	}
	c.ready(services...)
	c.faults, c.load = newFaults(c), newLoad(c)
	return c
}

// follow makes the spare server follow the other.
func (c *chaos) follow() {
	c.t.Helper()
	client := c.spare.Client()
	if err := client.Do(c.t.Context(), "REPLICAOF", "127.0.0.1", c.redis.Port).Err(); err != nil {
		c.t.Fatal(err)
	}
}

// processes are all replicas in an order that a seed can choose from.
func (c *chaos) processes() []*process {
	var all []*process
	for _, name := range services {
		all = append(all, c.replicas[name]...)
	}
	return all
}

// loseOneOfEach kills, in the middle of its work, one replica of every service that
// is never started again: the other has to do what it left.
func (c *chaos) loseOneOfEach() {
	for _, name := range services {
		p := c.replicas[name][0]
		c.proxies[p].Slow(300*time.Millisecond, 0) // so that it has something in hand
	}
	time.Sleep(2 * time.Second)
	for _, name := range services {
		c.replicas[name][0].kill()
	}
	c.faults.count("replica lost for good", len(services))
	time.Sleep(time.Second) // writes go on
}

// faultLines are "what: how often", in the order of their names.
func countLines(counts map[string]int) string {
	var lines []string
	for what, n := range counts {
		lines = append(lines, fmt.Sprintf("%6d  %s", n, what))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[8:], b[8:]) })
	return strings.Join(lines, "\n")
}
