package e2e

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// attackFor returns how long each attack lasts. make attacks runs these tests; what
// follows "attack" on the command line are their own flags.
func attackFor(t *testing.T) time.Duration {
	t.Helper()
	if flag.Arg(0) != "attack" {
		t.Skip("make attacks runs it")
	}
	own := flag.NewFlagSet("attack", flag.ContinueOnError)
	last := own.Duration("for", 10*time.Second, "how long each attack lasts")
	if err := own.Parse(flag.Args()[1:]); err != nil {
		t.Fatal(err)
	}
	return *last
}

// maxLatency is what 99 of 100 requests of others may take during an attack.
const maxLatency = time.Second

// victim is somebody else who uses the feed during an attack.
type victim struct {
	client *http.Client
	mu     sync.Mutex
	took   []time.Duration
	counts map[int]int
	wrong  []string
}

func newVictim() *victim {
	return &victim{client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}, counts: map[int]int{}}
}

// ask sends one request and notes how long its answer took, and what was wrong with it.
func (v *victim) ask(ctx context.Context, make func() *http.Request) {
	req := make().WithContext(ctx)
	began := time.Now()
	resp, err := v.client.Do(req)
	status, after := 0, ""
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		status, after = resp.StatusCode, resp.Header.Get("Retry-After")
	}
	if ctx.Err() != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.took = append(v.took, time.Since(began))
	v.counts[status]++
	if status/100 != 2 && (status != http.StatusServiceUnavailable || after == "") {
		v.wrong = append(v.wrong, fmt.Sprintf("%s %s: %d %v", req.Method, req.URL.Path, status, err))
	}
}

// keeps asks again and again until ctx ends.
func (v *victim) keeps(ctx context.Context, every time.Duration, make func() *http.Request) {
	for ctx.Err() == nil {
		v.ask(ctx, make)
		select {
		case <-time.After(every):
		case <-ctx.Done():
		}
	}
}

// judge fails the test if the victim was kept waiting or refused.
func (v *victim) judge(t *testing.T, who string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.took) == 0 {
		t.Errorf("%s got no answer at all", who)
		return
	}
	slices.Sort(v.took)
	p99 := v.took[len(v.took)*99/100]
	t.Logf("%s: %d requests, p50 %v, p99 %v, max %v, answers %v", who, len(v.took), v.took[len(v.took)/2].Round(time.Microsecond),
		p99.Round(time.Microsecond), v.took[len(v.took)-1].Round(time.Microsecond), v.counts)
	if p99 > maxLatency {
		t.Errorf("%s: p99 is %v, want %v at most", who, p99, maxLatency)
	}
	if refused := v.counts[http.StatusServiceUnavailable]; refused*20 > len(v.took) {
		t.Errorf("%s: %d of %d requests were refused", who, refused, len(v.took))
	}
	for _, w := range v.wrong[:min(5, len(v.wrong))] {
		t.Errorf("%s: %s", who, w)
	}
}

// inMemory has the process run with at most so many bytes of memory, swap included,
// as a container does.
func inMemory(t *testing.T, p *process, limit int) {
	t.Helper()
	name := fmt.Sprintf("newsfeed-test-%d", os.Getpid())
	group, settings := filepath.Join("/sys/fs/cgroup", name), [][2]string{{"memory.max", ""}, {"memory.swap.max", "0"}}
	if _, err := os.Stat("/sys/fs/cgroup/memory"); err == nil { // version 1
		group, settings = filepath.Join("/sys/fs/cgroup/memory", name), [][2]string{{"memory.limit_in_bytes", ""}}
	}
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("a group with a limit of memory takes root and Linux's cgroups: %v", err)
	}
	t.Cleanup(func() {
		p.kill()
		if err := os.Remove(group); err != nil {
			t.Logf("%v", err)
		}
	})
	for _, s := range settings {
		value := s[1]
		if value == "" {
			value = fmt.Sprint(limit)
		}
		if err := os.WriteFile(filepath.Join(group, s[0]), []byte(value), 0o644); err != nil && s[0] != "memory.swap.max" {
			t.Skipf("the group cannot be limited: %v", err)
		}
	}
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s/cgroup.procs && exec %s\n", group, filepath.Join(programs, p.service))
	p.program = filepath.Join(t.TempDir(), p.service)
	if err := os.WriteFile(p.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// startOne runs one replica of each service on a Redis, and the front end.
func startOne(t *testing.T, prepare func(map[string]*process)) (*system, *process) {
	t.Helper()
	s := &system{
		t: t, redis: bustest.Start(t, "--appendfsync", "everysec"), replicas: map[string][]*process{},
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	all := map[string]*process{}
	front := newProcess(t, "frontend", "frontend-0", "")
	for _, name := range services {
		p := newProcess(t, name, name+"-0", s.redis.URL())
		delete(p.env, "RATE_LIMIT")
		s.replicas[name] = []*process{p}
		all[name] = p
		front.env[strings.ToUpper(name)+"_URL"] = "http://" + p.addr()
	}
	all["frontend"] = front
	if prepare != nil {
		prepare(all)
	}
	t.Cleanup(s.end)
	for _, name := range services {
		s.start(name)
	}
	front.start()
	s.ready(services...)
	s.eventually("the front end is ready", func() string {
		resp, err := s.client.Do(get("http://"+front.addr()+"/readyz", ""))
		if err != nil {
			return err.Error()
		}
		_ = resp.Body.Close()
		return ""
	})
	return s, front
}

// fill writes posts with comments of maximum size, and waits until all are decided.
func (s *system) fill(posts, comments int, text, status string) []string {
	s.t.Helper()
	ids := make([]string, posts)
	var wg sync.WaitGroup
	next := atomic.Int64{}
	for range 8 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= posts {
					return
				}
				body := fmt.Sprintf(`{"title":"post %d","body":%q}`, i, strings.Repeat("😀", 20_000))
				p := read[post](s, s.must(http.StatusCreated, request{service: "posts", method: "POST", path: "/posts", body: body}))
				ids[i] = p.ID
				for range comments {
					s.must(http.StatusCreated, commenting(p.ID, text, "Eve"))
				}
			}
		})
	}
	wg.Wait()
	for _, id := range []string{ids[0], ids[len(ids)-1]} {
		s.eventually("the comments of "+id+" are "+status, func() string {
			n := 0
			for _, a := range s.pages("query", "/posts/"+id+"/comments?limit=100") {
				for _, c := range read[[]comment](s, a) {
					if c.Status == status {
						n++
					}
				}
			}
			if n < min(comments, 100) {
				return fmt.Sprint(n)
			}
			return ""
		})
	}
	return ids
}

// However large what people have written is, and whoever reads it, query stays within
// the memory of its container, and other readers are answered.
func TestAttack_Readers(t *testing.T) {
	last := attackFor(t)
	const limit = 128 << 20
	long := strings.Repeat("😀", 5_000)
	for _, tt := range []struct {
		name            string
		posts, comments int
		text, status    string
	}{
		{"100 posts with 20 comments of maximum size", 100, 20, long, "approved"},
		{"2,000 rejected comments", 1, 2_000, long[:4*4_990] + " racism", "rejected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var query *process
			s, front := startOne(t, func(all map[string]*process) {
				query = all["query"]
				inMemory(t, query, limit)
				for _, p := range all {
					p.env["RATE_LIMIT"] = "off"
				}
				delete(all["frontend"].env, "RATE_LIMIT")
			})
			ids := s.fill(tt.posts, tt.comments, tt.text, tt.status)
			s.configure("query", "READ_LIMIT", "off") // the worst case: no rate helps

			ctx, cancel := context.WithTimeout(t.Context(), last)
			defer cancel()
			attackers, other := newVictim(), newVictim()
			attackers.client.Transport = &http.Transport{MaxIdleConnsPerHost: 256}
			var wg sync.WaitGroup
			var n atomic.Int64
			for range 200 {
				wg.Go(func() {
					attackers.keeps(ctx, 0, func() *http.Request {
						i := int(n.Add(1))
						path := fmt.Sprintf("/posts?limit=%d&nonce=%d", 20+i%81, i)
						switch i % 3 {
						case 1:
							path = fmt.Sprintf("/posts/%s/comments?limit=%d", ids[i%len(ids)], 1+i%100)
						case 2:
							path = fmt.Sprintf("/posts/%s?version=1&wait=0s", ids[i%len(ids)])
						}
						return get("http://"+query.addr()+path, "")
					})
				})
			}
			wg.Go(func() {
				other.keeps(ctx, 20*time.Millisecond, func() *http.Request {
					return get("http://"+front.addr()+"/api/query/posts", "198.51.100.7")
				})
			})
			wg.Wait()
			t.Logf("attackers: %d answers %v", len(attackers.took), attackers.counts)
			for _, w := range attackers.wrong[:min(5, len(attackers.wrong))] {
				t.Errorf("attackers: %s", w)
			}
			other.judge(t, "another reader")
			select {
			case err := <-query.exited:
				query.cmd = nil
				t.Fatalf("query has ended: %v", err)
			default:
			}
			s.must(http.StatusOK, request{service: "query", path: "/posts"})
		})
	}
}

// get is a GET by a client that a trusted proxy names; "" is this machine.
func get(url, client string) *http.Request {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err) // the address is our own
	}
	if client != "" {
		req.Header.Set("X-Forwarded-For", client)
	}
	return req
}
