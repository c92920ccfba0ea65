package query

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// replica is a query service with HTTP, whose events come from the test.
type replica struct {
	t      *testing.T
	client *redis.Client
	bus    *bus.Bus
	store  *store
	hub    *hub
	url    string
}

// clock gives the ids of the events of all replicas of a test.
type clock struct{ n atomic.Uint64 }

func (c *clock) next() bus.ID { return bus.ID{Ms: 1_700_000_000_000 + c.n.Add(1), Seq: 1} }

// newReplica runs a replica that follows the changes; see also withoutHub.
func newReplica(t *testing.T, addr string) *replica {
	t.Helper()
	r := withoutHub(t, addr, web.StreamOptions{})
	r.follow()
	return r
}

func withoutHub(t *testing.T, addr string, opt web.StreamOptions) *replica {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	connected, err := bus.Connect("redis://" + addr) // as the service does
	if err != nil {
		t.Fatal(err)
	}
	client := connected.(*redis.Client)
	b := bus.New(t.Context(), client, bus.Options{Log: log})
	t.Cleanup(func() { b.Close(); _ = client.Close() })
	s := newStore(b)
	h := newHub(s, log)
	rt := web.NewRouter(log)
	api{store: s, hub: h, live: newLive(h, newStreams(log, opt), log)}.routes(rt)
	server := httptest.NewServer(rt)
	t.Cleanup(server.Close)
	return &replica{t: t, client: client, bus: b, store: s, hub: h, url: server.URL}
}

// follow starts the hub and returns once it knows where it is.
func (r *replica) follow() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.hub.run(ctx) }()
	r.t.Cleanup(func() { cancel(); <-done })
	select {
	case <-r.hub.started:
	case <-time.After(10 * time.Second):
		r.t.Fatal("the hub does not start")
	}
}

// fold folds an event of the owner of its type into the view.
func (r *replica) fold(at bus.ID, typ, post string, data map[string]any) {
	r.t.Helper()
	raw, err := json.Marshal(data)
	if err != nil {
		r.t.Fatal(err)
	}
	owner := event.Owner(typ)
	e := event.Event{Type: typ, Data: raw, ID: typ + at.String(), Source: owner, Subject: post, Time: at.Time()}
	if err := r.store.handle(context.Background(), bus.Entry{Stream: event.Stream(owner), ID: at, Event: e}); err != nil {
		r.t.Errorf("fold %s: %v", typ, err)
	}
}

func (r *replica) post(at bus.ID, id, title string, version int64) {
	r.t.Helper()
	r.fold(at, event.TypePostUpdated, id, map[string]any{
		"id": id, "title": title, "body": "a body", "author": "ann", "createdAt": "2026-01-02T03:04:05Z", "version": version,
	})
}

func (r *replica) comment(at bus.ID, post, id, content string, status event.Status, version int64) {
	r.t.Helper()
	r.fold(at, event.TypeCommentUpdated, post, map[string]any{
		"postId": post, "id": id, "content": content, "author": "bob", "status": status,
		"createdAt": "2026-01-02T03:04:06Z", "version": version,
	})
}

func (r *replica) deletePost(at bus.ID, id string) {
	r.t.Helper()
	r.fold(at, event.TypePostDeleted, id, map[string]any{"id": id, "version": 99})
}

func (r *replica) deleteComment(at bus.ID, post, id string) {
	r.t.Helper()
	r.fold(at, event.TypeCommentDeleted, post, map[string]any{"postId": post, "id": id, "version": 99})
}

// get asks once.
func (r *replica) get(path string) (status int, body string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// changesSince returns the ids of all notices after an id.
func (r *replica) changesSince(after string) []string {
	r.t.Helper()
	messages, err := r.client.XRange(r.t.Context(), changesStream, "("+after, "+").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.ID
	}
	return ids
}

// heard waits until the hub has come to the last notice, and returns the ids of all.
func (r *replica) heard() []string {
	r.t.Helper()
	ids := r.changesSince("0")
	bustest.Eventually(r.t, 10*time.Second, "the hub has seen all", func() bool {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return r.hub.at.String() == ids[len(ids)-1]
	})
	return ids
}

func number(i int) string { return strconv.Itoa(i) }
