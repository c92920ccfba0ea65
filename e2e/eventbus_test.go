package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// busEvent is an event as eventbus shows it.
type busEvent struct {
	ID, Type, Source, Subject string
}

// deadLetter is a dead letter as eventbus shows it.
type deadLetter struct {
	ID, Group, Stream, Type, Error string
	Fields                         map[string]string
}

// door is eventbus beside a system, with one subscriber. The subscriber refuses
// events of the type Unwelcome the first time it gets them.
type door struct {
	*system
	process *process
	url     string // of the subscriber

	mu  sync.Mutex
	got []busEvent // accepted
	old map[string]bool
}

const unwelcome = "Unwelcome"

func startDoor(t *testing.T) *door {
	t.Helper()
	d := &door{system: startSystem(t), old: map[string]bool{}}
	subscriber := httptest.NewServer(d)
	d.url = subscriber.URL + "/events"
	t.Cleanup(subscriber.Close)
	d.process = newProcess(t, "eventbus", "eventbus-0", d.redis.URL())
	d.process.env["SUBSCRIBERS"] = d.url
	d.replicas["eventbus"] = []*process{d.process}
	d.start("eventbus")
	d.ready("eventbus")
	return d
}

// ServeHTTP is the subscriber's.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // not delivered
	}
	if err := documents["eventbus"].CheckWebhook("event", body); err != nil {
		d.t.Error(err)
	}
	var e busEvent
	if err := json.Unmarshal(body, &e); err != nil {
		d.t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Type == unwelcome && !d.old[e.ID] {
		d.old[e.ID] = true
		http.Error(w, "no, thank you", http.StatusUnprocessableEntity)
		return
	}
	d.got = append(d.got, e)
}

// accepted are the events that the subscriber has accepted.
func (d *door) accepted() []busEvent {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}

func (d *door) publish(body string) string {
	d.t.Helper()
	a := d.must(http.StatusOK, request{service: "eventbus", method: "POST", path: "/events", body: body})
	return read[busEvent](d.system, a).ID
}

func (d *door) dead(query string) []deadLetter {
	d.t.Helper()
	return list[deadLetter](d.system, "eventbus", "/dead"+query)
}

// What is published at the door reaches the services and the subscriber, and what
// the services say can be read there: whole, in pages, as a stream.
func TestEventsThroughTheDoor(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	id := d.publish(`{"type":"PostCreated","data":{"id":"foreign","title":"From elsewhere"},"source":"elsewhere"}`)
	d.awaitPost("foreign", true)
	for range 2 { // the same event, once
		if again := d.publish(`{"type":"Greeting","data":{"text":"hello"},"id":"greeting-1"}`); again != "greeting-1" {
			t.Errorf("the id is %q", again)
		}
	}
	c := d.newComment("foreign", "A kind word", "Bea")
	d.awaitStatus(c, "approved")
	p := d.newPost("Ours")
	d.must(http.StatusOK, request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: `{"title":"Edited"}`}.token(p.EditToken))
	d.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: "/posts/" + p.ID}.token(p.EditToken))
	d.must(http.StatusNoContent, request{service: "comments", method: "DELETE", path: "/comments/" + c.ID}.token(c.EditToken))

	all := read[[]busEvent](d.system, d.must(http.StatusOK, request{service: "eventbus", path: "/events"}))
	var types []string
	for _, e := range all {
		types = append(types, e.Type)
	}
	want := []string{
		"PostCreated", "Greeting", "CommentCreated", "CommentModerated", "CommentUpdated", "PostCreated", "PostUpdated", "PostDeleted", "CommentDeleted",
	}
	if diff := cmp.Diff(want, types); diff != "" || all[0].ID != id || all[0].Source != "elsewhere" {
		t.Fatalf("all events begin with %+v, types (-want +got):\n%s", all[0], diff)
	}
	if diff := cmp.Diff(all, list[busEvent](d.system, "eventbus", "/events?limit=2")); diff != "" {
		t.Errorf("in pages (-whole +pages):\n%s", diff)
	}
	of := read[[]busEvent](d.system, d.must(http.StatusOK, request{service: "eventbus", path: "/events?type=PostUpdated&subject=" + p.ID}))
	if diff := cmp.Diff(all[6:7], of); diff != "" {
		t.Errorf("of one type and post (-want +got):\n%s", diff)
	}
	d.eventually("the subscriber has everything", func() string { return cmp.Diff(all, d.accepted()) })

	first := d.listenTo(d.process, "/events/stream", "")
	var streamed []busEvent
	for range 4 {
		streamed = append(streamed, first.nextEvent())
	}
	rest := d.listenTo(d.process, "/events/stream", first.last)
	for range all[4:] {
		streamed = append(streamed, rest.nextEvent())
	}
	if diff := cmp.Diff(all, streamed); diff != "" {
		t.Errorf("as a stream (-whole +stream):\n%s", diff)
	}
	live := d.publish(`{"type":"Greeting","data":{"text":"hello again"}}`)
	if got := rest.nextEvent(); got.ID != live {
		t.Errorf("then came %+v", got)
	}
	d.process.stop()
}

// nextEvent takes the next event of eventbus's stream.
func (l *listener) nextEvent() busEvent {
	l.s.t.Helper()
	e, ok := l.next()
	if !ok {
		l.s.t.Fatal("the stream has ended")
	}
	return read[busEvent](l.s, answer{body: []byte(e.Data)})
}

// What readers give up is shown, is handled again by them alone, or is forgotten.
func TestDeadLettersThroughTheDoor(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	for _, replicas := range d.replicas {
		for _, p := range replicas {
			p.expects = "dead letter"
		}
	}
	d.publish(`{"type":"PostCreated","data":{"id":"not an id","title":"Broken"}}`)
	refused := d.publish(`{"type":"` + unwelcome + `","data":{}}`)
	var letters []deadLetter
	d.eventually("every service and the subscriber have given up", func() string {
		letters = d.dead("?limit=1")
		return map[bool]string{false: "not all"}[len(letters) == len(services)+1]
	})
	groups := map[string]deadLetter{}
	for _, l := range letters {
		groups[l.Group] = l
		if one := read[deadLetter](d.system, d.must(http.StatusOK, request{service: "eventbus", path: "/dead/" + l.ID})); cmp.Diff(l, one) != "" {
			t.Errorf("listed as %+v, alone %+v", l, one)
		}
	}
	for _, name := range services {
		if l := groups[name]; l.Type != "PostCreated" || l.Stream != "{posts}:events" || l.Error == "" || !strings.Contains(l.Fields["data"], "not an id") {
			t.Errorf("of %s: %+v", name, l)
		}
	}
	if got := d.dead("?group=query"); len(got) != 1 || got[0].ID != groups["query"].ID {
		t.Errorf("of query alone: %+v", got)
	}
	d.checkStreams(groups)

	// The subscriber takes the second time what it has refused the first.
	theirs := d.dead("?type=" + unwelcome)
	if len(theirs) != 1 {
		t.Fatalf("of the subscriber: %+v", theirs)
	}
	redrive := request{service: "eventbus", method: "POST", path: "/dead/" + theirs[0].ID + "/redrive"}
	d.must(http.StatusOK, redrive)
	d.eventually("the subscriber has what it had refused", func() string {
		if !slices.ContainsFunc(d.accepted(), func(e busEvent) bool { return e.ID == refused }) {
			return "not yet"
		}
		return ""
	})
	d.must(http.StatusNotFound, redrive)

	// query gives up again what is broken still.
	broken := request{service: "eventbus", path: "/dead/" + groups["query"].ID}
	redrive.path = broken.path + "/redrive"
	d.must(http.StatusOK, redrive)
	d.eventually("query has given up again", func() string {
		a, err := d.do(broken)
		if err != nil || a.status != http.StatusOK {
			return string(a.body)
		}
		return ""
	})
	for _, name := range services {
		drop := request{service: "eventbus", method: "DELETE", path: "/dead/" + groups[name].ID}
		d.must(http.StatusNoContent, drop)
		d.must(http.StatusNotFound, drop)
	}
	if left := d.dead(""); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	d.process.stop()
}

// checkStreams asks that every stream is shown, and who reads it.
func (d *door) checkStreams(dead map[string]deadLetter) {
	d.t.Helper()
	type group struct {
		Name, URL string
		Dead      int
	}
	type stream struct {
		Name   string
		Length int
		Groups []group
	}
	byName := map[string]stream{}
	for _, s := range read[[]stream](d.system, d.must(http.StatusOK, request{service: "eventbus", path: "/streams"})) {
		byName[s.Name] = s
		if !slices.ContainsFunc(s.Groups, func(g group) bool { return g.URL == d.url && g.Dead == 1 }) {
			d.t.Errorf("%s is not read by the subscriber: %+v", s.Name, s.Groups)
		}
	}
	var readers []string
	for _, g := range byName["{posts}:events"].Groups {
		if g.URL == "" {
			readers = append(readers, g.Name)
		}
		if _, ok := dead[g.Name]; ok && g.Dead != 1 {
			d.t.Errorf("%s has %d dead letters, want 1", g.Name, g.Dead)
		}
	}
	slices.Sort(readers)
	if diff := cmp.Diff([]string{"comments", "moderator", "posts", "query"}, readers); diff != "" || byName["{eventbus}:events"].Length != 1 {
		d.t.Errorf("readers of posts (-want +got):\n%s\nall: %+v", diff, byName)
	}
}

// What the door refuses: nothing of it is stored.
func TestTheDoorRefuses(t *testing.T) {
	t.Parallel()
	d := startDoor(t)
	d.configure("eventbus", "BUS_TOKEN", "s3cret-of-16-bytes")
	post := request{service: "eventbus", method: "POST", path: "/events", body: `{"type":"Greeting","data":{}}`}
	d.must(http.StatusUnauthorized, post)
	d.must(http.StatusUnauthorized, post.token("wrong"))
	post = post.token("s3cret-of-16-bytes")
	for body, status := range map[string]int{
		`{"type":"Greeting"}`: http.StatusBadRequest,
		`{"type":"Greeting","data":{"text":"` + strings.Repeat("x", 256<<10) + `"}}`: http.StatusRequestEntityTooLarge,
	} {
		post.body = body
		d.must(status, post)
	}
	d.must(http.StatusUnsupportedMediaType, post.with("Content-Type", "text/plain"))
	for _, path := range []string{"/events?limit=0", "/events?after=x", "/events/stream?after=x", "/dead?limit=0"} {
		d.must(http.StatusBadRequest, request{service: "eventbus", path: path}.token("s3cret-of-16-bytes"))
	}
	for _, path := range []string{"/events", "/events/stream", "/streams", "/dead", "/dead/x"} {
		d.must(http.StatusUnauthorized, request{service: "eventbus", path: path})
	}
	d.must(http.StatusNotFound, request{service: "eventbus", path: "/dead/x"}.token("s3cret-of-16-bytes"))
	if a := d.must(http.StatusOK, request{service: "eventbus", path: "/events"}.token("s3cret-of-16-bytes")); string(a.body) != "[]\n" {
		t.Errorf("stored: %s", a.body)
	}
	d.process.stop()
}
