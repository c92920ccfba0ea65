package moderator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// The tokens of the moderators of a rig.
const (
	annsToken  = "token of ann"
	bobsToken  = "token of bob"
	adminToken = "token of the admin"
)

// rig is a moderator on a Redis of its own, without the process around it.
type rig struct {
	t        testing.TB
	redis    *bustest.Redis
	bus      *bus.Bus
	store    *store
	consumer *consumer
	router   *web.Router
	log      *syncBuffer
	versions map[string]int64
	remote   string // where requests come from, "" for one fixed address
	stop     func()
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

// newRig runs a moderator with these rules until the end of the test.
func newRig(t testing.TB, rules string, j *judge) *rig {
	t.Helper()
	r := &rig{t: t, redis: bustest.Start(t, "--appendonly", "no"), log: &syncBuffer{}, versions: map[string]int64{}}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	r.bus = bus.New(context.Background(), r.redis.Client(), bus.Options{Log: log, Block: 50 * time.Millisecond})
	r.store = newStore(r.bus)
	w, err := open("rules", "", rules, maxRulesBytes, ParseRules)
	if err != nil {
		t.Fatal(err)
	}
	people, err := open("moderators", "", PersonLine("ann", annsToken)+","+PersonLine("bob", bobsToken), maxPeopleBytes, ParsePeople)
	if err != nil {
		t.Fatal(err)
	}
	r.consumer = &consumer{store: r.store, rules: &RulesFile{w}, judge: j}
	r.router = web.NewRouter(log)
	api{
		store: r.store, rules: r.consumer.rules, judged: j != nil, door: door{people, web.Tokens{adminToken}}, limit: time.Hour, log: log,
	}.routes(r.router)
	r.start()
	t.Cleanup(func() {
		r.stop()
		r.bus.Close()
		if t.Failed() {
			t.Logf("log:\n%s", r.log)
		}
	})
	return r
}

// start consumes until stop.
func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		sub := bus.Subscription{
			Group: event.Moderator, Consumer: "one", Streams: []string{event.Stream(event.Comments), event.Stream(event.Posts)},
		}
		if err := r.bus.Consume(ctx, sub, r.consumer.handle); err != nil {
			r.t.Errorf("consume: %v", err)
		}
	})
	r.stop = func() { cancel(); running.Wait() }
}

// publish appends an event of its owner and returns its entry.
func (r *rig) publish(typ string, payload event.Payload) bus.ID {
	r.t.Helper()
	e, err := event.New(event.Owner(typ), typ, payload, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	id, err := r.bus.Publish(r.t.Context(), event.Stream(event.Owner(typ)), e)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// write publishes a text of a comment on post p, as comments does: the first as
// CommentCreated, later ones as edits.
func (r *rig) write(id, content, author string) bus.ID {
	r.t.Helper()
	typ := event.TypeCommentEdited
	if r.versions[id] == 0 {
		typ = event.TypeCommentCreated
	}
	r.versions[id] += 2 // the verdict between them is a version too
	version := r.versions[id] - 1
	return r.publish(typ, event.Comment{
		PostID: "p", ID: id, Content: &content, Author: new("by " + author), AuthorKey: new(author), Status: new(event.Pending),
		Version: &version,
	})
}

// await waits until the text of an entry has been judged, and returns the verdict.
func (r *rig) await(id string, entry bus.ID) decision {
	r.t.Helper()
	var d decision
	bustest.Eventually(r.t, 20*time.Second, "comment "+id+" is judged", func() bool {
		var err error
		if d, _, err = r.store.load(r.t.Context(), id); err != nil {
			r.t.Fatal(err)
		}
		return d.exists() && d.Entry == entry
	})
	return d
}

// until waits for something that is on its way.
func (r *rig) until(ok func() bool) {
	r.t.Helper()
	bustest.Eventually(r.t, 20*time.Second, "what the test waits for", ok)
}

// judgedAs writes a text and asks for the status of its verdict.
func (r *rig) judgedAs(want event.Status, id, content, author string) decision {
	r.t.Helper()
	d := r.await(id, r.write(id, content, author))
	if d.Status != want {
		r.t.Fatalf("comment %s is %s by the rule %q, want %s", id, d.Status, d.Rule, want)
	}
	return d
}

// ask sends a request with a token and asks for the status of the answer, which
// is decoded into a T.
func ask[T any](r *rig, status int, token, method, path, body string) T {
	r.t.Helper()
	v, _ := askPage[T](r, status, token, method, path, body)
	return v
}

// askPage is ask for one page of a list; next is the query of the one behind it.
func askPage[T any](r *rig, status int, token, method, path, body string) (v T, next string) {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, strings.NewReader(body))
	req.RemoteAddr = cmp.Or(r.remote, req.RemoteAddr)
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	answer := httptest.NewRecorder()
	r.router.ServeHTTP(answer, req)
	if answer.Code != status {
		r.t.Fatalf("%s %s %s: status %d, want %d: %s", method, path, body, answer.Code, status, answer.Body)
	}
	if status != http.StatusNoContent {
		if err := json.Unmarshal(answer.Body.Bytes(), &v); err != nil {
			r.t.Fatalf("%s %s: %v: %s", method, path, err, answer.Body)
		}
	}
	link, _ := strings.CutPrefix(answer.Header().Get("Link"), "<")
	next, _, _ = strings.Cut(link, ">")
	return v, next
}

// decide is a request body for one decision.
func deciding(id string, version int64, status event.Status, more string) string {
	return fmt.Sprintf(`{"commentId":%q,"version":%d,"status":%q%s}`, id, version, status, more)
}

// decisionsOf returns the verdicts on a comment that went out, the first first.
func (r *rig) decisionsOf(id string) []event.CommentModerated {
	r.t.Helper()
	entries, err := r.bus.Range(r.t.Context(), stream, bus.ID{}, 10_000)
	if err != nil {
		r.t.Fatal(err)
	}
	var all []event.CommentModerated
	for _, e := range entries {
		payload, err := e.Event.Decode()
		if err != nil {
			r.t.Fatal(err)
		}
		if m, ok := payload.(event.CommentModerated); ok && m.ID == id {
			all = append(all, m)
		}
	}
	return all
}
