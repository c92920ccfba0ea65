package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// Read your writes: who has been told a version by posts or comments can ask for
// an answer that is no older, and have it wait for that.

const (
	// maxWait is the longest that a request may ask to wait.
	maxWait = 10 * time.Second
	// usualLookAgain is how often a waiting request looks without having been
	// woken, for the case that this process does not hear of changes.
	usualLookAgain = time.Second
	// maxWaiting is how many requests may wait at once, and clientWaiting how many
	// of them for one client; a wider network has up to four times as many.
	maxWaiting, clientWaiting = 1_024, 64
)

// wish is the least that a request wants to see. The zero wish wants nothing.
type wish struct {
	version int64
	comment string        // whose version it is, "" for the post's
	wait    time.Duration // how long to wait for it
}

// parseWish reads ?version=, ?comment= and ?wait=. The error is a web.Invalid.
func parseWish(r *http.Request) (wish, error) {
	var want wish
	version, given, err := web.Parameter(r, "version")
	if err != nil {
		return wish{}, err
	}
	comment, hasComment, err := web.Parameter(r, "comment")
	if err != nil {
		return wish{}, err
	}
	wait, hasWait, err := web.Parameter(r, "wait")
	if err != nil {
		return wish{}, err
	}
	bad := func(name, detail string) (wish, error) {
		return wish{}, &web.Invalid{Fields: []web.FieldError{{Parameter: name, Detail: detail}}}
	}
	switch {
	case !given && hasComment:
		return bad("comment", "needs a version beside it")
	case !given && hasWait:
		return bad("wait", "needs a version beside it")
	case !given:
		return wish{}, nil
	}
	if want.version, err = strconv.ParseInt(version, 10, 64); err != nil || want.version < 1 || strconv.FormatInt(want.version, 10) != version {
		return bad("version", "must be a whole number from 1")
	}
	if want.comment = comment; hasComment && !event.ValidID(comment) {
		return bad("comment", "is not an id")
	}
	if hasWait {
		if want.wait, err = time.ParseDuration(wait); err != nil || want.wait < 0 || want.wait > maxWait {
			return bad("wait", "must be a duration up to "+maxWait.String()+", such as 2s")
		}
	}
	return want, nil
}

// await returns once the view of the post has what is wanted, and
// web.ErrNotYet if that takes too long.
func (h *hub) await(r *http.Request, postID string, want wish) error {
	if want.version == 0 {
		return nil
	}
	ctx := r.Context()
	// Most have it at once and need not wait.
	if ok, err := h.store.reached(ctx, postID, want.comment, want.version); ok || err != nil {
		return err
	}
	if want.wait > 0 {
		// From here on no change goes unheard: so it is looked at again at once.
		leave, err := h.waits.Admit(r)
		if err != nil {
			return err
		}
		defer leave()
		woken, forget, err := h.waiting.join(postID)
		if err != nil {
			return err
		}
		defer forget()
		if ok, err := h.watch(ctx, woken, web.Stopping(r), postID, want); ok || err != nil {
			return err
		}
	}
	what := "post " + postID
	if want.comment != "" {
		what = "comment " + want.comment
	}
	return fmt.Errorf("%w: version %d of %s", web.ErrNotYet, want.version, what)
}

// watch looks whenever there is news, and once more when the time is over.
func (h *hub) watch(ctx context.Context, woken, stopping <-chan struct{}, postID string, want wish) (bool, error) {
	over := time.NewTimer(want.wait)
	defer over.Stop()
	again := time.NewTicker(h.lookAgain)
	defer again.Stop()
	for last := false; ; {
		if ok, err := h.store.reached(ctx, postID, want.comment, want.version); ok || err != nil || last {
			return ok, err
		}
		select {
		case <-woken:
		case <-again.C:
		case <-over.C:
			last = true
		case <-stopping:
			return false, web.RetryIn(time.Second, errors.New("stopped while waiting for a version"))
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// waiting are the requests that want to hear of changes, by post.
type waiting struct {
	mu     sync.Mutex
	n      int
	byPost map[string]map[chan struct{}]struct{}
}

func newWaiting() waiting { return waiting{byPost: map[string]map[chan struct{}]struct{}{}} }

// join returns a channel that has a token after every change of the post or one
// of its comments.
func (w *waiting) join(post string) (woken <-chan struct{}, forget func(), err error) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n >= maxWaiting {
		return nil, nil, web.RetryIn(time.Second, fmt.Errorf("%d requests wait for a version already", w.n))
	}
	if w.byPost[post] == nil {
		w.byPost[post] = map[chan struct{}]struct{}{}
	}
	w.byPost[post][ch] = struct{}{}
	w.n++
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.byPost[post], ch)
		if len(w.byPost[post]) == 0 {
			delete(w.byPost, post)
		}
		w.n--
	}, nil
}

func (w *waiting) wake(post string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wake(w.byPost[post])
}

func (w *waiting) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, channels := range w.byPost {
		wake(channels)
	}
}

func wake(channels map[chan struct{}]struct{}) {
	for ch := range channels {
		select {
		case ch <- struct{}{}:
		default: // it has a token that it has not seen yet
		}
	}
}
