package e2e

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"

	"newsfeed/internal/bustest"
)

// faults strikes the system; the seed says with what, when and for how long.
type faults struct {
	c       *chaos
	rng     *rand.Rand
	running sync.WaitGroup
	busy    map[any]*sync.Mutex // a process, a proxy or, as "redis", the servers: one fault at a time

	mu     sync.Mutex
	struck map[string]int
}

func newFaults(c *chaos) *faults {
	f := &faults{c: c, rng: rand.New(rand.NewPCG(c.seed, 1)), busy: map[any]*sync.Mutex{"redis": {}}, struck: map[string]int{}}
	for p, proxy := range c.proxies {
		f.busy[p], f.busy[proxy] = &sync.Mutex{}, &sync.Mutex{}
	}
	return f
}

// count notes that a fault has struck.
func (f *faults) count(what string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.struck[what] += n
}

func (f *faults) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return "faults that struck:\n" + countLines(f.struck)
}

// strike lets faults begin until the time is up, and returns when all are over.
func (f *faults) strike(last time.Duration) {
	kinds := []func(){
		f.cut, f.cutAll, f.swallow, f.swallow, f.slow, f.slow, f.killProcess, f.killProcess, f.killSlow, f.killSlow,
		f.stopProcess, f.stopProcess, f.killRedis, f.stopRedis, f.failover,
	}
	for until := time.Now().Add(last); time.Now().Before(until); {
		kinds[f.rng.IntN(len(kinds))]()
		time.Sleep(f.between(100, 700))
	}
	f.running.Wait()
	for _, proxy := range f.c.proxies {
		f.count(swallowed, proxy.SwallowReply("", 0))
	}
}

// Faults that a minute always has.
const (
	swallowed  = "replies swallowed"
	failedOver = "failover done"
	killed     = "process killed (SIGKILL)"
	killedSlow = "process killed while its Redis is slow"
)

// missing returns which of those never struck, though they had the time to: a minute has
// about eight failovers, and more of the others.
func (f *faults) missing(last time.Duration) (never []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, what := range []string{swallowed, failedOver, killed, killedSlow} {
		if last >= time.Minute && f.struck[what] == 0 {
			never = append(never, what)
		}
	}
	return never
}

// between is a time of at least least and less than most milliseconds.
func (f *faults) between(least, most int) time.Duration {
	return time.Duration(least+f.rng.IntN(most-least)) * time.Millisecond
}

// hit does fault beside everything else, unless another has the same target.
func (f *faults) hit(what string, target any, fault func()) {
	lock := f.busy[target]
	if !lock.TryLock() {
		return
	}
	f.count(what, 1)
	f.running.Go(func() {
		defer lock.Unlock()
		fault()
	})
}

func (f *faults) process() (*process, *bustest.Proxy) {
	all := f.c.processes()
	p := all[f.rng.IntN(len(all))]
	return p, f.c.proxies[p]
}

func (f *faults) cut() {
	_, proxy := f.process()
	f.hit("connections of a process cut", proxy, proxy.Cut)
}

func (f *faults) cutAll() {
	away := f.between(0, 1500)
	f.hit("Redis cut off from everybody", "redis", func() {
		for _, proxy := range f.c.proxies {
			proxy.Refuse(true)
		}
		time.Sleep(away)
		for _, proxy := range f.c.proxies {
			proxy.Refuse(false)
		}
	})
}

func (f *faults) swallow() {
	_, proxy := f.process()
	word := []string{"", "evalsha", "evalsha", "xreadgroup", "xack"}[f.rng.IntN(5)]
	times := 1 + f.rng.IntN(8) // more than the client tries by itself, at times
	name := word
	if name == "" {
		name = "any command"
	}
	f.hit("replies to be swallowed: "+strings.ToUpper(name[:1])+name[1:], proxy, func() { f.count(swallowed, proxy.SwallowReply(word, times)) })
}

func (f *faults) slow() {
	_, proxy := f.process()
	what, delay, rate, last := "delay", f.between(20, 300), 0, f.between(500, 4000)
	if f.rng.IntN(2) == 0 {
		what, delay, rate = "throughput cut to a trickle", 0, 8<<10+f.rng.IntN(64<<10)
	}
	f.hit(what, proxy, func() {
		proxy.Slow(delay, rate)
		time.Sleep(last)
		proxy.Slow(0, 0)
	})
}

func (f *faults) killProcess() {
	p, _ := f.process()
	away := f.between(0, 2000)
	f.hit(killed, p, func() {
		p.kill()
		time.Sleep(away)
		p.start()
	})
}

// killSlow kills a process between the steps of its work, which would otherwise
// be too quick to be hit.
func (f *faults) killSlow() {
	p, proxy := f.process()
	delay, working, away := f.between(50, 300), f.between(300, 1500), f.between(0, 1000)
	f.hit(killedSlow, p, func() {
		proxy.Slow(delay, 0)
		time.Sleep(working)
		p.kill()
		proxy.Slow(0, 0)
		time.Sleep(away)
		p.start()
	})
}

func (f *faults) stopProcess() {
	p, _ := f.process()
	last := f.between(200, 4000)
	if f.rng.IntN(4) == 0 {
		last = f.between(10_000, 14_000) // longer than its sign of life
	}
	f.hit("process stopped and continued (SIGSTOP)", p, func() {
		_ = p.cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(last)
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
	})
}

func (f *faults) killRedis() {
	away := f.between(0, 2000)
	f.hit("Redis killed and started again", "redis", func() {
		f.c.redis.Kill()
		time.Sleep(away)
		f.c.redis.Restart()
	})
}

func (f *faults) stopRedis() {
	last := f.between(200, 4500)
	f.hit("Redis stopped and continued (SIGSTOP)", "redis", func() {
		f.c.redis.Pause()
		time.Sleep(last)
		f.c.redis.Continue()
	})
}

func (f *faults) failover() {
	f.hit("failover begun", "redis", func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := f.c.failover(ctx); err != nil {
			f.count("failover given up: "+err.Error(), 1)
			return
		}
		f.count(failedOver, 1)
	})
}
