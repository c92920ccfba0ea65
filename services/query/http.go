package query

import (
	"context"
	"net/http"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// api answers HTTP.
type api struct {
	store *store
	hub   *hub
	live  *live
	feeds feeds
}

func (a api) routes(rt *web.Router) {
	rt.Handle("GET", "/posts", a.page)
	rt.Handle("GET", "/posts/stream", a.live.serve)
	rt.Handle("GET", "/posts/{id}", a.post)
	rt.Handle("GET", "/posts/{id}/comments", a.comments)
	rt.Handle("GET", "/feed.atom", a.feeds.posts)
	rt.Handle("GET", "/posts/{id}/comments.atom", a.feeds.comments)
}

func (a api) page(w http.ResponseWriter, r *http.Request) error {
	return a.hub.cache.serve(w, r, func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		page, err := web.ParsePage(r)
		if err != nil {
			return nil, bus.ID{}, err
		}
		posts, version, err := a.store.page(ctx, page.After, page.Limit+1)
		if err != nil {
			return nil, version, err
		}
		answer, err := renderPage(r, page, posts, func(p postView) web.Cursor { return web.Cursor{At: p.CreatedAt, ID: p.ID} })
		return answer, version, err
	})
}

func (a api) post(w http.ResponseWriter, r *http.Request) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	want, err := parseWish(r)
	if err != nil {
		return err
	}
	load := func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		p, version, err := a.store.post(ctx, id)
		if err != nil {
			return nil, version, err
		}
		answer, err := web.Render(p)
		return answer, version, err
	}
	if want.version == 0 {
		return a.hub.cache.serve(w, r, load)
	}
	if err := a.hub.await(r, id, want); err != nil {
		return err
	}
	return a.hub.cache.fresh(w, r, load)
}

func (a api) comments(w http.ResponseWriter, r *http.Request) error {
	return a.hub.cache.serve(w, r, func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		id, err := web.ID(r, "id")
		if err != nil {
			return nil, bus.ID{}, err
		}
		page, err := web.ParsePage(r)
		if err != nil {
			return nil, bus.ID{}, err
		}
		comments, version, err := a.store.comments(ctx, id, page.After, page.Limit+1)
		if err != nil {
			return nil, version, err
		}
		answer, err := renderPage(r, page, comments, func(c commentView) web.Cursor { return web.Cursor{At: c.CreatedAt, ID: c.ID} })
		return answer, version, err
	})
}

// renderPage renders what a page asks for of a list that was read one element
// further: whether there is that one decides whether there is a next page.
func renderPage[T any](r *http.Request, page web.Page, list []T, at func(T) web.Cursor) (*web.Rendered, error) {
	more := len(list) > page.Limit
	if more {
		list = list[:page.Limit]
	}
	answer, err := web.Render(list)
	if err == nil && more {
		answer.Next(r, "cursor", at(list[page.Limit-1]).String())
	}
	return answer, err
}
