package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tmaxmax/go-sse"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/event"
)

// system is all services, each a process of its own.
type system struct {
	db       database
	services map[string]*process
	client   *client
	posts    []string // to comment on
}

// serviceNames are those that an own comment's way leads through.
func serviceNames() []string {
	return []string{event.Posts, event.Comments, event.Moderator, event.Query}
}

// system starts the services on a Redis of their own, and makes some posts.
func (s *stage) system(ctx context.Context, fsync string, posts int) (*system, error) {
	db, err := s.redis(ctx, fsync)
	if err != nil {
		return nil, err
	}
	y := &system{db: db, services: map[string]*process{}, client: newClient()}
	for _, name := range serviceNames() {
		if y.services[name], err = s.service(ctx, name, db); err != nil {
			return nil, err
		}
	}
	for i := range posts {
		id, err := y.client.create(ctx, y.services[event.Posts].url()+"/posts", map[string]string{"title": "post " + strconv.Itoa(i)})
		if err != nil {
			return nil, err
		}
		y.posts = append(y.posts, id)
	}
	return y, caughtUp(ctx, db, event.Comments)
}

// comment writes comment i, on one of the posts.
func (y *system) comment(ctx context.Context, i int) (id string, err error) {
	url := y.services[event.Comments].url() + "/posts/" + y.posts[i%len(y.posts)] + "/comments"
	return y.client.create(ctx, url, map[string]string{
		"content": "comment " + strconv.Itoa(i) + " of a usual length, which says something about its post and then some more", "author": "somebody",
	})
}

// approved is how many comments query shows as approved.
func (y *system) approved(ctx context.Context) (int, error) {
	sum := 0
	for _, post := range y.posts {
		var p struct{ CommentCount int }
		if err := y.client.get(ctx, y.services[event.Query].url()+"/posts/"+post, &p); err != nil {
			return 0, err
		}
		sum += p.CommentCount
	}
	return sum, nil
}

// listener notes when each comment was sent as approved.
type listener struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// listen follows GET /posts/stream until ctx ends. ready is closed when the stream
// has begun.
func (y *system) listen(ctx context.Context, l *listener, ready chan<- struct{}) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, y.services[event.Query].url()+"/posts/stream", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	for e, err := range sse.Read(res.Body, &sse.ReadConfig{MaxEventSize: 4 << 20}) {
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if e.Type == "hello" {
			close(ready)
			continue
		}
		var change struct {
			Comment struct {
				ID      string
				Content string
				Status  event.Status
			}
		}
		if err := json.Unmarshal([]byte(e.Data), &change); err != nil {
			return err
		}
		if c := change.Comment; c.Status == event.Approved && c.Content != "" {
			l.mu.Lock()
			if l.seen[c.ID].IsZero() {
				l.seen[c.ID] = time.Now()
			}
			l.mu.Unlock()
		}
	}
	return nil
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

// measureChain shows how long a comment takes from the answer that it is accepted
// until readers have it: through four services and three streams, out of the view.
func measureChain(ctx context.Context, s *stage) ([]*row, error) {
	y, err := s.system(ctx, always, 50)
	if err != nil {
		return nil, err
	}
	r := &row{
		Key: "chain", What: "comment accepted → approved, visible in query and sent over SSE, 200/s, p50", Unit: "ms", Less: true,
		Bounds: []bound{most(8, oneHop)},
	}
	return []*row{r}, s.rounds(ctx, []*row{r},
		contestant{newsfeed, one(func(ctx context.Context, _ int) (float64, error) { return y.chain(ctx) })},
		contestant{oneHop, one(func(ctx context.Context, round int) (float64, error) {
			return bareHop(ctx, y.db.Client, "bare"+strconv.Itoa(round))
		})},
	)
}

func (y *system) chain(ctx context.Context) (float64, error) {
	before, err := y.approved(ctx)
	if err != nil {
		return 0, err
	}
	l := &listener{seen: map[string]time.Time{}}
	listening, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	ready := make(chan struct{})
	g.Go(func() error { return y.listen(listening, l, ready) })
	select {
	case <-ready:
	case <-time.After(5 * time.Second):
		stop()
		return 0, fmt.Errorf("the stream does not begin: %w", g.Wait())
	}
	f, ids := newFlight(hops), make([]string, hops)
	err = paced(ctx, hops, func(i int) (err error) {
		ids[i], err = y.comment(ctx, i)
		f.began[i] = time.Now()
		return err
	})
	for deadline := time.Now().Add(10 * time.Second); err == nil && l.count() < hops; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			err = fmt.Errorf("%d of %d comments were sent over SSE", l.count(), hops)
		}
	}
	stop()
	if err != nil {
		return 0, err
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	for i, id := range ids {
		f.arrived[i] = l.seen[id]
	}
	after, err := y.approved(ctx)
	if err == nil && after-before != hops {
		err = fmt.Errorf("%d comments were written and %d more are approved", hops, after-before)
	}
	if err != nil {
		return 0, err
	}
	return f.p50()
}
