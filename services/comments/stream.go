package comments

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// Authors follow their own comment as server-sent events: `event: comment` with
// the comment as GET /comments/{id} shows it to them, at once and at every change,
// and `event: deleted` at the end. The token comes in the Authorization header as
// everywhere else, never in the address, which logs and histories keep. EventSource
// sends no header, so a page reads the stream with fetch.

// streamRetry is when a stream asks Redis again after it was away.
const streamRetry = time.Second

func (a api) stream(w http.ResponseWriter, r *http.Request) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	if _, err := a.store.get(r.Context(), id); err != nil {
		return err
	}
	if err := a.maySee(r, id); err != nil {
		return err
	}
	return a.streams.Serve(w, r, func(s *web.Stream) error {
		changed, forget := a.watchers.watch(id)
		defer forget()
		sent, _ := strconv.ParseInt(s.LastEventID, 10, 64) // what is no version was not sent
		for {
			again, err := a.sendComment(s, id, &sent)
			if err != nil || !again {
				return err
			}
			select {
			case <-changed:
			case <-s.Context().Done():
				return nil
			}
			if err := a.maySee(r, id); errors.Is(err, web.ErrUnauthorized) || errors.Is(err, web.ErrTooMany) {
				return nil // the token was revoked
			}
		}
	})
}

// sendComment sends the comment as it is now, if it is not what was sent last, and
// reports whether more can come.
func (a api) sendComment(s *web.Stream, id string, sent *int64) (again bool, err error) {
	c, err := a.store.get(s.Context(), id)
	for bus.Unavailable(err) && s.Context().Err() == nil {
		select {
		case <-time.After(streamRetry):
		case <-s.Context().Done():
			return false, nil
		}
		c, err = a.store.get(s.Context(), id)
	}
	if errors.Is(err, web.ErrNotFound) {
		return false, s.Send(web.NewMessage("deleted", `{"id":"`+id+`"}`))
	}
	if err != nil || c.Version == *sent {
		return true, err
	}
	data, err := json.Marshal(c.private())
	if err != nil {
		return false, err
	}
	*sent = c.Version
	return true, s.Send(web.NewMessage("comment", string(data)).WithID(strconv.FormatInt(c.Version, 10)))
}

// watchers are told when a comment has changed.
type watchers struct {
	mu sync.Mutex
	of map[string]map[chan struct{}]struct{}
}

func newWatchers() *watchers { return &watchers{of: map[string]map[chan struct{}]struct{}{}} }

// watch returns a channel that holds something when the comment may have changed
// since the channel was read last, until forget is called.
func (w *watchers) watch(id string) (changed <-chan struct{}, forget func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of[id] == nil {
		w.of[id] = map[chan struct{}]struct{}{}
	}
	w.of[id][ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.of[id], ch); len(w.of[id]) == 0 {
			delete(w.of, id)
		}
	}
}

// tell tells those who watch the comment.
func (w *watchers) tell(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.of[id] {
		wake(ch)
	}
}

// tellAll tells everybody.
func (w *watchers) tellAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, channels := range w.of {
		for ch := range channels {
			wake(ch)
		}
	}
}

func wake(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// follow tells of changes by whichever replica until ctx ends.
func (w *watchers) follow(ctx context.Context, b *bus.Bus) {
	from, err := b.Last(ctx, stream)
	for err != nil && ctx.Err() == nil {
		select {
		case <-time.After(streamRetry):
		case <-ctx.Done():
		}
		from, err = b.Last(ctx, stream)
	}
	w.tellAll() // of what came before
	for e, err := range b.Follow(ctx, map[string]bus.ID{stream: from}) {
		var about struct {
			ID string `json:"id"`
		}
		if err == nil && json.Unmarshal(e.Event.Data, &about) == nil {
			w.tell(about.ID)
		}
	}
}
