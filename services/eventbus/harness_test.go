package eventbus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// quick are times for tests; leases are long enough for a busy machine.
var quick = times{
	Lease: 2 * time.Second, Delivery: 5 * time.Second, Grace: time.Second,
	First: 5 * time.Millisecond, Most: 50 * time.Millisecond, Look: 50 * time.Millisecond,
	Rest: 50 * time.Millisecond,
}

// rig is a Redis with a bus on it, past the service.
type rig struct {
	*bus.Bus
	t     testing.TB
	redis *bustest.Redis
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, redis: bustest.Start(t)}
	client, err := bus.Connect(r.redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	r.Bus = bus.New(t.Context(), client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { r.Close(); _ = client.Close() })
	return r
}

// replica is the service, running in this process.
type replica struct {
	t      testing.TB
	url    string
	log    *syncBuffer
	proxy  *bustest.Proxy // between it and Redis
	stop   func()         // in good order
	client *http.Client
}

// start runs a replica that pushes to the subscribers, until the end of the test.
func (r *rig) start(subscribers ...*subscriberServer) *replica {
	r.t.Helper()
	var urls []string
	for _, s := range subscribers {
		urls = append(urls, s.URL+"/events")
	}
	return r.startWith(quick, func(c *Config) { c.Subscribers = SubscriberList(strings.Join(urls, ",")) })
}

func (r *rig) startWith(t times, change func(*Config)) *replica {
	r.t.Helper()
	proxy := bustest.NewProxy(r.t, r.redis.Addr())
	cfg := Config{}
	cfg.RedisURL = web.RedisURL("redis://" + proxy.Addr())
	cfg.ListenAddr = web.ListenAddr(fmt.Sprintf("127.0.0.1:%d", bustest.FreePort(r.t)))
	change(&cfg)
	rep := &replica{
		t: r.t, url: "http://" + string(cfg.ListenAddr), log: &syncBuffer{}, proxy: proxy,
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, cfg, slog.New(slog.NewTextHandler(rep.log, nil)), t) }()
	rep.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				r.t.Errorf("the service ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			r.t.Error("the service does not stop within 10 s")
		}
		rep.client.CloseIdleConnections()
	})
	r.t.Cleanup(func() {
		rep.stop()
		if r.t.Failed() {
			lines := slices.DeleteFunc(strings.Split(rep.log.String(), "\n"), func(line string) bool { return strings.Contains(line, "msg=request") })
			r.t.Logf("log of %s:\n%s", rep.url, strings.Join(lines, "\n"))
		}
	})
	bustest.Eventually(r.t, 10*time.Second, "the service is ready", func() bool {
		res, err := rep.client.Get(rep.url + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return rep
}

// crash ends the replica as kill -9 would: from one moment on it writes nothing
// to Redis any more, and does not give up what it holds.
func (rep *replica) crash() {
	rep.proxy.Refuse(true)
	rep.stop()
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }

// lines counts the lines that hold text.
func (s *syncBuffer) lines(text string) int { return strings.Count(s.String(), text) }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; body may be empty. header holds names and values.
func (rep *replica) do(method, path, body string, header ...string) answer {
	rep.t.Helper()
	a, err := rep.try(method, path, body, header...)
	if err != nil {
		rep.t.Fatal(err)
	}
	return a
}

func (rep *replica) try(method, path, body string, header ...string) (answer, error) {
	req, err := http.NewRequest(method, rep.url+path, strings.NewReader(body)) //nolint:noctx // the client has a time-out
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for ; len(header) > 1; header = header[2:] {
		req.Header.Set(header[0], header[1])
		if header[0] == "Host" {
			req.Host = header[1]
		}
	}
	res, err := rep.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text)}, err
}

// publish sends an event of that type and returns its id.
func (rep *replica) publish(typ string, data any) string {
	rep.t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any{"type": typ, "data": data}); err != nil {
		rep.t.Fatal(err)
	}
	a := rep.do("POST", "/events", strings.TrimSpace(text.String()))
	var out published
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK || out.Status != "OK" {
		rep.t.Fatalf("publish: %d %s (%v)", a.status, a.body, err)
	}
	return out.ID
}

func (rep *replica) publishMany(n int) []string {
	rep.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = rep.publish("Counted", map[string]int{"n": i})
	}
	return ids
}

// read decodes a 200.
func read[T any](t testing.TB, a answer) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %.300s (%v)", a.status, a.body, err)
	}
	return out
}

func ids(events []event.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

// fresh is an id that nobody else has.
func fresh() string { return uuid.NewString() }
