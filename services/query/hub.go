package query

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// hub follows the notices of changes, once for the process, and tells all who
// want to know: the clients of the stream, and requests that wait for a version.
type hub struct {
	store     *store
	cache     *cache // what was read before a change is not given after it
	log       *slog.Logger
	lookAgain time.Duration

	started chan struct{} // closed once at is known

	mu      sync.Mutex
	at      bus.ID // all notices up to here have been spread
	clients map[*client]struct{}
	// things are what the last queueLength changes are about, so all that a
	// client's queue can hold, and recent is the one of each change.
	things  map[subject]*thing
	recent  []*thing
	waiting waiting
	waits   *web.Waits // who may wait
}

// thing is a post or comment that has changed lately. What is to be seen of it is
// rendered once for all clients, and again when it changes: what waits in a
// queue is sent as it is then, and not as it was.
type thing struct {
	about  subject
	refs   int // how often it is in recent
	latest atomic.Pointer[web.Message]
}

// client is one open stream.
type client struct {
	queue *queue
	drop  func()
}

// delivery is one change on its way to a client, or with no thing, word that
// changes may have been missed.
type delivery struct {
	id    bus.ID
	thing *thing
	since time.Time // when the word came
}

func (d delivery) message() web.Message {
	if d.thing == nil {
		return message(eventResync, struct{}{}).WithID(d.id.String())
	}
	return d.thing.latest.Load().WithID(d.id.String())
}

func newHub(s *store, log *slog.Logger) *hub {
	return &hub{
		store: s, cache: newCache(s), log: log, lookAgain: usualLookAgain, started: make(chan struct{}),
		clients: map[*client]struct{}{}, things: map[subject]*thing{}, waiting: newWaiting(), waits: web.NewWaits(maxWaiting, clientWaiting),
	}
}

// run follows the notices until ctx ends. Redis going away ends nothing.
func (h *hub) run(ctx context.Context) error {
	var proving sync.WaitGroup
	defer proving.Wait()
	proving.Go(func() { h.cache.run(ctx) })
	away := false
	for step, err := range h.store.bus.Trail(ctx, changesStream) {
		if err != nil {
			h.cache.lost()
		}
		switch {
		case err != nil && !away:
			h.log.Warn("changes cannot be followed for now", "error", err)
			away = true
		case err != nil:
		case step.Gap:
			h.restart(step.At)
			away = false
		default:
			h.spread(ctx, step)
			away = false
		}
	}
	return nil
}

// restart tells everybody that changes may have been missed up to at.
func (h *hub) restart(at bus.ID) {
	now := time.Now()
	h.cache.missed(at)
	h.waiting.wakeAll()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = at
	select {
	case <-h.started:
	default:
		close(h.started)
	}
	for c := range h.clients {
		h.offer(c, &delivery{id: at, since: now})
	}
}

// spread tells of the changes of a step.
func (h *hub) spread(ctx context.Context, step bus.Step) {
	if replacedIn(step.Entries) {
		h.restart(step.At)
		return
	}
	h.cache.saw(step.At)
	changes := changesOf(step.Entries)
	for _, c := range changes {
		h.waiting.wake(c.about.post)
	}
	subjects, wanted := h.wanted(changes, step.At)
	if !wanted {
		return
	}
	seen, err := h.look(ctx, subjects)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		h.log.Error("changes cannot be shown", "error", err)
		h.restart(step.At)
	default:
		h.deliver(changes, seen, step.At)
	}
}

// wanted returns what to look at for the changes; nothing is wanted if there are
// no clients. What waits in a queue must be looked at again, too: a post when one
// of its comments changes, which it shows, and its comments when the post is gone.
func (h *hub) wanted(changes []change, at bus.ID) ([]subject, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.clients) == 0 {
		h.at = at
		return nil, false
	}
	posts, parents := map[string]bool{}, map[string]bool{}
	for _, c := range changes {
		if c.about.comment == "" {
			posts[c.about.post] = true
		} else {
			parents[c.about.post] = true
		}
	}
	subjects := subjectsOf(changes)
	for about := range h.things {
		if about.comment == "" && parents[about.post] || about.comment != "" && posts[about.post] {
			if !slices.Contains(subjects, about) {
				subjects = append(subjects, about)
			}
		}
	}
	return subjects, true
}

// look looks until Redis answers.
func (h *hub) look(ctx context.Context, subjects []subject) (map[subject]web.Message, error) {
	const pause = 500 * time.Millisecond
	for {
		seen, err := h.store.look(ctx, subjects)
		if !bus.Unavailable(err) {
			return seen, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// deliver puts the changes into every client's queue.
func (h *hub) deliver(changes []change, seen map[subject]web.Message, at bus.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for about, m := range seen {
		if t := h.things[about]; t != nil {
			t.latest.Store(&m)
		}
	}
	for _, c := range changes {
		d := &delivery{id: c.id, thing: h.remember(c.about, seen[c.about])}
		for client := range h.clients {
			h.offer(client, d)
		}
	}
	h.at = at
}

// remember returns the thing that about is, and forgets those of changes that no
// queue can hold any more.
func (h *hub) remember(about subject, m web.Message) *thing {
	t := h.things[about]
	if t == nil {
		t = &thing{about: about}
		t.latest.Store(&m)
		h.things[about] = t
	}
	t.refs++
	h.recent = append(h.recent, t)
	if len(h.recent) > queueLength {
		old := h.recent[0]
		h.recent = h.recent[1:]
		if old.refs--; old.refs == 0 {
			delete(h.things, old.about)
		}
	}
	return t
}

// offer puts d into the queue of c, or drops c if that is full: it comes again
// and says how far it has come.
func (h *hub) offer(c *client, d *delivery) {
	if !c.queue.put(d) {
		delete(h.clients, c)
		c.drop()
	}
}

// join adds a client that is told of every change after the id returned. drop is
// called, once at most, if it does not keep up.
func (h *hub) join(drop func()) (*client, bus.ID) {
	c := &client{queue: newQueue(), drop: drop}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[c] = struct{}{}
	return c, h.at
}

func (h *hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.clients, c)
	if len(h.clients) == 0 {
		h.recent = nil
		clear(h.things)
	}
}
