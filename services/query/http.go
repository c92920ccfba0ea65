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
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	return a.hub.cache.serve(w, r, pageKey{"/posts", page.Query().Encode()}, loader{elements: page.Limit, read: func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		posts, more, version, err := a.store.page(ctx, page.After, page.Limit)
		if err != nil {
			return nil, version, err
		}
		answer, err := web.RenderList(page.Query(), posts, more, func(p postView) web.Cursor { return web.Cursor{At: p.CreatedAt, ID: p.ID} })
		return answer, version, err
	}})
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
	load := loader{elements: previewed, read: func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		p, version, err := a.store.post(ctx, id)
		if err != nil {
			return nil, version, err
		}
		answer, err := web.Render(p)
		return answer, version, err
	}}
	if want.version == 0 {
		return a.hub.cache.serve(w, r, pageKey{path: "/posts/" + id}, load)
	}
	if err := a.hub.await(r, id, want); err != nil {
		return err
	}
	return a.hub.cache.fresh(w, r, load)
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
	key := pageKey{"/posts/" + id + "/comments", page.Query().Encode()}
	return a.hub.cache.serve(w, r, key, loader{elements: page.Limit, read: func(ctx context.Context) (*web.Rendered, bus.ID, error) {
		comments, version, err := a.store.comments(ctx, id, page.After, page.Limit)
		if err != nil {
			return nil, version, err
		}
		answer, err := renderComments(page, comments)
		return answer, version, err
	}})
}

// renderComments renders a page. The link to the next one follows the approved
// comments, so that pages neither repeat nor skip any.
func renderComments(page web.Page, c commentsPage) (*web.Rendered, error) {
	answer, err := web.Render(inOrder(c.approved, c.others))
	if err == nil && c.more && len(c.approved) > 0 {
		last := c.approved[len(c.approved)-1]
		answer.Next(page.Query(), "cursor", web.Cursor{At: last.Created.At, ID: last.ID}.String())
	}
	return answer, err
}
