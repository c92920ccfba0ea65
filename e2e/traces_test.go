package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
)

// step is a span that a trace must have below another.
type step struct {
	service, name string
	kind          otlp.Span_SpanKind
	typ           string // of the event
	then          []step
}

const (
	server   = otlp.Span_SPAN_KIND_SERVER
	producer = otlp.Span_SPAN_KIND_PRODUCER
	consumer = otlp.Span_SPAN_KIND_CONSUMER
)

// wayOfAComment is what the trace of POST /posts/{id}/comments shows. What comments
// reads of its own is not handled, and no span.
func wayOfAComment() step {
	const comments, verdicts = "{comments}:events", "{moderator}:events"
	process := func(service, stream, typ string, then ...step) step {
		return step{service, "process " + stream, consumer, typ, then}
	}
	updated := step{"comments", "publish " + comments, producer, "CommentUpdated", []step{
		process("query", comments, "CommentUpdated"), process("moderator", comments, "CommentUpdated"),
	}}
	judged := step{"moderator", "publish " + verdicts, producer, "CommentModerated", []step{
		process("comments", verdicts, "CommentModerated", updated),
	}}
	created := step{"comments", "publish " + comments, producer, "CommentCreated", []step{
		process("query", comments, "CommentCreated"), process("moderator", comments, "CommentCreated", judged),
	}}
	return step{"comments", "POST /posts/{id}/comments", server, "", []step{created}}
}

// missing says what of the steps below a span is not there.
func (r *receiver) missing(trace, parent string, s step) string {
	like := span{service: s.service, name: s.name, trace: trace, parent: parent}
	if s.typ != "" {
		like.attributes = map[string]string{"cloudevents.event_type": s.typ}
	}
	found := r.of(like)
	if len(found) != 1 || found[0].kind != s.kind || found[0].failed {
		return fmt.Sprintf("%s %s %s below %q: %+v", s.service, s.name, s.typ, parent, found)
	}
	for _, next := range s.then {
		if wrong := r.missing(trace, found[0].id, next); wrong != "" {
			return wrong
		}
	}
	return ""
}

// One comment is one trace, from the request to the view, each step the child of
// the one that led to it.
func TestOneCommentIsOneTrace(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	settings := r.settings()
	settings["LOG_LEVEL"] = "info"
	s := startSystem(t, settings)
	p := s.newPost("First")
	s.awaitPost(p.ID, true)
	request := commenting(p.ID, "A kind word", "Bea").with("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	c := read[comment](s, s.must(http.StatusCreated, request))
	s.awaitStatus(c, "approved")
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	s.eventually("the trace is whole", func() string { return r.missing(trace, parent, wayOfAComment()) })

	// What Redis was asked on the way is part of it, by name and without content.
	if commands := r.of(span{trace: trace, attributes: map[string]string{"db.system": "redis"}}); len(commands) < 5 {
		t.Errorf("%d commands of Redis, want those of every step", len(commands))
	}
	// And nothing of it elsewhere: its events are told of in no other trace.
	for _, kind := range []string{"publish {comments}:events", "process {comments}:events", "publish {moderator}:events", "process {moderator}:events"} {
		if traces := tracesOf(r.of(span{name: kind})); len(traces) != 1 || traces[0] != trace {
			t.Errorf("%s is in the traces %v", kind, traces)
		}
	}
	r.mu.Lock()
	for _, one := range r.spans {
		for name, value := range one.attributes {
			if strings.Contains(value, "kind word") || strings.Contains(value, "Bea") || name == "client.address" && value != "" {
				t.Errorf("a span holds what is not for it: %s: %s", name, value)
			}
		}
	}
	r.mu.Unlock()
	if n := len(r.of(span{name: "GET /readyz"})); n > 0 {
		t.Errorf("%d spans of probes", n)
	}
	logged := 0
	for _, replica := range s.replicas["comments"] {
		log, err := os.ReadFile(replica.log)
		if err != nil {
			t.Fatal(err)
		}
		logged += strings.Count(string(log), `"trace_id":"`+trace+`"`)
	}
	if logged != 1 {
		t.Errorf("%d lines of the log of comments name the trace, want that of the request", logged)
	}
}

// An event that fails at first, and one that has been given up and sent back, stay
// in their traces.
func TestTracesThroughTrouble(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	s := startSystem(t, r.settings())
	door := newProcess(t, "eventbus", "eventbus-0", s.redis.URL())
	maps.Copy(door.env, r.settings())
	s.replicas["eventbus"] = []*process{door}
	s.start("eventbus")
	s.ready("eventbus")
	for _, replica := range s.replicas["query"] {
		replica.expects = "dead letter"
	}
	p := s.newPost("First")
	s.awaitPost(p.ID, true)

	retried := s.editInTrouble(t, r, p, "Retried", "retried")
	s.eventually("the retried event is handled once, in its trace", func() string {
		found := r.of(span{service: "query", name: "process {posts}:events", trace: retried, attributes: map[string]string{"newsfeed.outcome": "handled"}})
		if len(found) != 1 {
			return fmt.Sprintf("handled %d times", len(found))
		}
		return ""
	})
	redriven := s.editInTrouble(t, r, p, "Redriven", "given up")
	letters := list[deadLetter](s, "eventbus", "/dead?group=query")
	if len(letters) != 1 {
		t.Fatalf("dead letters: %+v", letters)
	}
	s.must(http.StatusOK, request{service: "eventbus", method: "POST", path: "/dead/" + letters[0].ID + "/redrive"})
	s.eventually("the redriven event is handled, in its trace", func() string {
		found := r.of(span{service: "query", name: "process {posts}:events", trace: redriven, attributes: map[string]string{"newsfeed.outcome": "handled"}})
		published := r.of(span{name: "publish {posts}:events", trace: redriven})
		if len(found) != 1 || len(published) != 1 || found[0].parent != published[0].id {
			return fmt.Sprintf("handled %+v, published %+v", found, published)
		}
		return ""
	})
	for name, service := range map[string]string{"bury query": "query", "redrive {query}:redrive": "eventbus"} {
		s.eventually(name+" is in the trace", func() string {
			if found := r.of(span{service: service, name: name, trace: redriven}); len(found) == 1 {
				return ""
			}
			return "no such span"
		})
	}
	// Who sent it back is to be found from there.
	asked := tracesOf(r.of(span{name: "POST /dead/{id}/redrive"}))
	back := r.of(span{name: "redrive {query}:redrive"})
	if len(asked) != 1 || len(back) != 1 || len(back[0].links) != 1 || back[0].links[0] != asked[0] {
		t.Errorf("asked for in %v, done in %+v", asked, back)
	}
	door.stop()
}

// editInTrouble edits a post while query cannot write it, until query has failed
// once, or has given up, and returns the edit's trace.
func (s *system) editInTrouble(t *testing.T, r *receiver, p post, title, until string) (trace string) {
	t.Helper()
	client := s.redis.Client()
	keys, err := client.Keys(t.Context(), "{query}:*:post:"+p.ID).Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("the post's place in the view: %v (%v)", keys, err)
	}
	move := func(from, to string) {
		if err := client.Rename(t.Context(), from, to).Err(); err != nil {
			t.Fatal(err)
		}
	}
	move(keys[0], "{query}:aside")
	if err := client.LPush(t.Context(), keys[0], "not a post").Err(); err != nil {
		t.Fatal(err)
	}
	edit := request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: object(map[string]string{"title": title})}
	s.must(http.StatusOK, edit.token(p.EditToken))
	failing := span{service: "query", name: "process {posts}:events", attributes: map[string]string{
		"cloudevents.event_type": "PostUpdated", "newsfeed.outcome": "retried",
	}}
	had := map[string]bool{}
	for _, old := range tracesOf(r.of(failing)) {
		had[old] = true
	}
	s.eventually("query is "+until, func() string {
		trace = ""
		for _, one := range tracesOf(r.of(failing)) {
			if !had[one] {
				trace = one
			}
		}
		letters, err := client.HLen(t.Context(), "{query}:dead").Result()
		if trace == "" || err != nil || until == "given up" && letters == 0 {
			return fmt.Sprintf("trace %s, %d dead letters (%v)", trace, letters, err)
		}
		return ""
	})
	move("{query}:aside", keys[0])
	s.eventually("the edit is in one trace", func() string {
		published := r.of(span{service: "posts", name: "publish {posts}:events", trace: trace})
		attempts := r.of(span{service: "query", name: "process {posts}:events", trace: trace})
		most := map[string]int{"retried": 2, "given up": 5}[until]
		if len(published) != 1 || len(attempts) < most {
			return fmt.Sprintf("published %+v, attempts %+v", published, attempts)
		}
		for _, a := range attempts {
			if a.parent != published[0].id || a.failed != (a.attributes["newsfeed.outcome"] == "retried") {
				t.Errorf("an attempt is %+v, below %s", a, published[0].id)
			}
		}
		return ""
	})
	return trace
}
