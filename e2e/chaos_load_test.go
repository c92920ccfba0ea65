package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// thing is a post or a comment as its one writer knows it.
type thing struct {
	service  string
	id, path string
	token    string
	parent   *thing // of a comment
	texts    []string
	deleting atomic.Bool // its deletion has been asked for
	gone     bool        // and acknowledged
	history  []string
}

func (t *thing) note(format string, args ...any) {
	t.history = append(t.history, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// load writes steadily, and keeps account of what was acknowledged.
type load struct {
	c       *chaos
	stop    chan struct{}
	writers sync.WaitGroup

	mu     sync.Mutex
	posts  []*thing // that comments may be written to
	things []*thing
	wrong  []violation
	counts map[string]int
}

func newLoad(c *chaos) *load {
	return &load{c: c, stop: make(chan struct{}), counts: map[string]int{}}
}

func (l *load) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return "writes:\n" + countLines(l.counts)
}

func (l *load) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

func (l *load) complain(t *thing, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, violation{t.id, fmt.Sprintf(format, args...), t})
}

func (l *load) start(writers int) {
	for n := range writers {
		w := &writer{l: l, n: n, rng: rand.New(rand.NewPCG(l.c.seed, uint64(100+n)))}
		l.writers.Go(w.write)
	}
}

// end lets every write that was begun come to its answer.
func (l *load) end() {
	close(l.stop)
	l.writers.Wait()
}

// writer is the only one that changes the things it made, so that it knows what
// must have become of them.
type writer struct {
	l        *load
	n, made  int
	rng      *rand.Rand
	posts    []*thing
	comments []*thing
}

func (w *writer) write() {
	for {
		switch dice := w.rng.IntN(100); {
		case len(w.posts) == 0 || dice < 4:
			w.newPost()
		case dice < 65 || len(w.comments) == 0:
			w.newComment()
		case dice < 82:
			w.edit(w.comments[w.rng.IntN(len(w.comments))])
		case dice < 86:
			w.edit(w.posts[w.rng.IntN(len(w.posts))])
		case dice < 99:
			w.comments = w.remove(w.comments)
		default:
			w.posts = w.remove(w.posts)
		}
		select {
		case <-w.l.stop:
			return
		case <-time.After(time.Duration(10+w.rng.IntN(60)) * time.Millisecond):
		}
	}
}

// text is one that nobody has written before.
func (w *writer) text() string {
	w.made++
	word := "fine"
	if w.rng.IntN(5) == 0 {
		word = "racism"
	}
	return fmt.Sprintf("%s %d-%d", word, w.n, w.made)
}

func (w *writer) newPost() {
	t := &thing{service: "posts", texts: []string{w.text()}}
	body := object(map[string]string{"title": t.texts[0], "author": "Ada"})
	if w.create(t, request{service: "posts", method: "POST", path: "/posts", body: body}) {
		w.posts = append(w.posts, t)
		w.l.mu.Lock()
		defer w.l.mu.Unlock()
		w.l.posts = append(w.l.posts, t)
	}
}

func (w *writer) newComment() {
	w.l.mu.Lock()
	var parent *thing
	if len(w.l.posts) > 0 {
		parent = w.l.posts[w.rng.IntN(len(w.l.posts))]
	}
	w.l.mu.Unlock()
	if parent == nil {
		return
	}
	t := &thing{service: "comments", parent: parent, texts: []string{w.text()}}
	if w.create(t, commenting(parent.id, t.texts[0], "Bea")) {
		w.comments = append(w.comments, t)
	}
}

// create makes t and reports whether it did.
func (w *writer) create(t *thing, r request) bool {
	r = r.with("Idempotency-Key", fmt.Sprintf("chaos-%d-%d-%d-%d", w.l.c.seed, w.n, w.made, 1_000_000_000))
	a, _ := w.definite(t, r)
	switch {
	case a.status == http.StatusCreated:
		var made comment
		if err := json.Unmarshal(a.body, &made); err != nil || made.ID == "" {
			w.l.complain(t, "the answer makes no sense: %v %s", err, a.body)
			return false
		}
		t.id, t.token, t.path = made.ID, made.EditToken, a.header.Get("Location")
	case a.status == http.StatusNotFound && t.orphan():
		t.texts = nil // it was never made
	default:
		w.l.complain(t, "%s: %d %s", r, a.status, a.body)
		return false
	}
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	w.l.things = append(w.l.things, t)
	return t.id != ""
}

// orphan reports whether t may be gone with its post.
func (t *thing) orphan() bool { return t.parent != nil && t.parent.deleting.Load() }

func (w *writer) edit(t *thing) {
	text := w.text()
	field := map[string]string{"posts": "title", "comments": "content"}[t.service]
	r := request{service: t.service, method: "PATCH", path: t.path, body: object(map[string]string{field: text})}
	a, _ := w.definite(t, r.token(t.token))
	switch {
	case a.status == http.StatusOK:
		t.texts = append(t.texts, text)
	case a.status == http.StatusNotFound && t.orphan():
	default:
		w.l.complain(t, "%s: %d %s", r, a.status, a.body)
	}
}

// remove deletes one of the things and returns the others.
func (w *writer) remove(from []*thing) []*thing {
	i := w.rng.IntN(len(from))
	t := from[i]
	t.deleting.Store(true)
	w.l.mu.Lock()
	w.l.posts = slices.DeleteFunc(w.l.posts, func(p *thing) bool { return p == t })
	w.l.mu.Unlock()
	r := request{service: t.service, method: "DELETE", path: t.path}
	a, unsure := w.definite(t, r.token(t.token))
	switch {
	case a.status == http.StatusNoContent, a.status == http.StatusNotFound && (unsure || t.orphan()):
		t.gone = true
	default:
		w.l.complain(t, "%s: %d %s", r, a.status, a.body)
	}
	return slices.Delete(from, i, i+1)
}

// stubborn is how long a writer asks again.
const stubborn = 90 * time.Second

// definite asks one replica after the other until one knows the answer. unsure says
// that a request before that one may have had its effect.
func (w *writer) definite(t *thing, r request) (a answer, unsure bool) {
	w.l.count(r.method + " " + r.service)
	for deadline := time.Now().Add(stubborn); ; {
		a, err := w.l.c.once(r)
		refused := errors.Is(err, syscall.ECONNREFUSED)
		again := err != nil || a.status == http.StatusServiceUnavailable
		if !refused {
			t.note("%s %s: %d %v", r.method, r.body, a.status, err)
		}
		if !again || time.Now().After(deadline) {
			w.l.count(fmt.Sprintf("answered with %d in the end", a.status))
			return a, unsure
		}
		w.l.count("tried again")
		unsure = unsure || !refused
		time.Sleep(time.Duration(50+w.rng.IntN(100)) * time.Millisecond)
	}
}
