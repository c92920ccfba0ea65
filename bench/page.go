package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"newsfeed/internal/event"
)

const (
	bareBytes  = "bare net/http writing the same bytes"
	nginxPlain = "nginx, the same bytes, defaults"
	nginxTuned = "nginx, the same bytes, best settings"
	// Written the way courses do, Express answers with everything it has.
	expressAll     = "Express, all 1,000 posts, defaults"
	expressAllBest = "Express, all 1,000 posts, NODE_ENV=production"
	express20      = "Express, taught to answer 20 posts, NODE_ENV=production"
)

// measurePage compares the first page, which everybody reads, with servers that
// have its bytes at hand, and with Express at the same posts.
func measurePage(ctx context.Context, s *stage) ([]*row, error) {
	posts, comments, err := feed{posts: 1000, comments: 10}.events()
	if err != nil {
		return nil, err
	}
	q, _, err := s.query(ctx, posts, comments)
	if err != nil {
		return nil, err
	}
	body, err := newClient().do(ctx, http.MethodGet, q.url()+"/posts", nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	r := &row{
		Key: "page", What: "GET /posts, first page, hot, 1,000 posts with 10 comments", Unit: "requests/s",
		Bounds: []bound{least(0.7, bareBytes), least(20, expressAll, expressAllBest)},
	}
	r.note("the page has %s bytes and 20 posts; Express answers all 1,000, as courses have it, unless taught otherwise: the bound is on that", number(float64(len(body))))
	contestants := []contestant{s.reader(newsfeed, q, "/posts")}
	more, err := s.servers(ctx, body)
	if err != nil {
		return nil, err
	}
	contestants = append(contestants, more...)
	if more, err = s.expresses(ctx, posts, comments); err != nil {
		return nil, err
	}
	contestants = append(contestants, more...)
	return []*row{r}, s.rounds(ctx, []*row{r}, contestants...)
}

// servers are the contestants that have the bytes of the page at hand.
func (s *stage) servers(ctx context.Context, body []byte) ([]contestant, error) {
	dir, err := s.dir()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "posts")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	bare, err := s.bare(ctx, "-body", file)
	if err != nil {
		return nil, err
	}
	plain, err := s.nginx(ctx, body, "")
	if err != nil {
		return nil, err
	}
	tuned, err := s.nginx(ctx, body, nginxBest)
	if err != nil {
		return nil, err
	}
	return []contestant{
		s.reader(bareBytes, bare, "/posts"), s.reader(nginxPlain, plain, "/posts"), s.reader(nginxTuned, tuned, "/posts"),
	}, nil
}

// expresses are the Express contestants, which have been told of everything.
func (s *stage) expresses(ctx context.Context, posts, comments []event.Event) ([]contestant, error) {
	var contestants []contestant
	for _, c := range []struct{ name, env string }{{expressAll, ""}, {expressAllBest, "production"}} {
		app, err := s.express(ctx, c.env, "query")
		if err != nil {
			return nil, err
		}
		q := app["query"]
		if err := tell(ctx, q, posts, comments); err != nil {
			return nil, err
		}
		contestants = append(contestants, s.reader(c.name, q, "/posts"))
		if c.name == expressAllBest {
			contestants = append(contestants, s.reader(express20, q, "/posts?limit=20"))
		}
	}
	return contestants, nil
}

// tell hands events to a service as its bus would, and looks at what it makes of
// them.
func tell(ctx context.Context, p *process, posts, comments []event.Event) error {
	c := newClient()
	for _, e := range append(posts, comments...) {
		if _, err := c.do(ctx, http.MethodPost, p.url()+"/events", map[string]any{"type": e.Type, "data": e.Data}, http.StatusOK); err != nil {
			return err
		}
	}
	var all []struct {
		Comments []struct{ Status event.Status }
	}
	if err := c.get(ctx, p.url()+"/posts", &all); err != nil {
		return err
	}
	approved := 0
	for _, p := range all {
		for _, c := range p.Comments {
			if c.Status == event.Approved {
				approved++
			}
		}
	}
	if len(all) != len(posts) || 2*approved != len(comments) {
		return fmt.Errorf("%d posts and %d approved comments were made of %d and %d events", len(all), approved, len(posts), len(comments))
	}
	return nil
}

// reader is a contestant that answers GET, the same to everyone.
func (s *stage) reader(name string, p *process, path string) contestant {
	return contestant{name, one(func(ctx context.Context, _ int) (float64, error) {
		before, err := newClient().do(ctx, http.MethodGet, p.url()+path, nil, http.StatusOK)
		if err == nil && len(before) < 1000 {
			err = errors.New("the answer is no page")
		}
		if err != nil {
			return 0, err
		}
		got, err := s.wrk(ctx, p.url()+path, load{method: "GET", lasts: loadLasts})
		return got.rate, errors.Join(err, got.flawless())
	})}
}
