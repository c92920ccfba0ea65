package query

import (
	"net/http"

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
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	posts, err := a.store.page(r.Context(), page.After, page.Limit+1)
	if err != nil {
		return err
	}
	if len(posts) > page.Limit {
		posts = posts[:page.Limit]
		last := posts[page.Limit-1]
		web.NextLink(w, r, "cursor", web.Cursor{At: last.CreatedAt, ID: last.ID}.String())
	}
	return web.WriteCached(w, r, posts)
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
	if err := a.hub.await(r, id, want); err != nil {
		return err
	}
	p, err := a.store.post(r.Context(), id)
	if err != nil {
		return err
	}
	return web.WriteCached(w, r, p)
}

func (a api) comments(w http.ResponseWriter, r *http.Request) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	comments, err := a.store.comments(r.Context(), id, page.After, page.Limit+1)
	if err != nil {
		return err
	}
	if len(comments) > page.Limit {
		comments = comments[:page.Limit]
		last := comments[page.Limit-1]
		web.NextLink(w, r, "cursor", web.Cursor{At: last.CreatedAt, ID: last.ID}.String())
	}
	return web.WriteCached(w, r, comments)
}
