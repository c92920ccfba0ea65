package posts

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// api answers HTTP.
type api struct {
	store  *store
	limits *service.RateLimit
	// admin may change every post; post, if set, is needed to make one.
	admin, post web.Tokens
}

func (a api) routes(rt *web.Router) {
	rt.Handle("POST", "/posts", a.limits.Limit(a.invited(a.create)))
	rt.Handle("GET", "/posts", a.list)
	rt.Handle("GET", "/posts/{id}", a.get)
	rt.Handle("PATCH", "/posts/{id}", a.limits.Limit(a.edit))
	rt.Handle("DELETE", "/posts/{id}", a.limits.Limit(a.delete))
	rt.Handle("POST", "/posts/{id}/edit-token", a.limits.Limit(web.Guard("ADMIN_TOKEN", a.admin, a.replaceToken)))
	rt.Handle("DELETE", "/posts/{id}/edit-token", a.limits.Limit(web.Guard("ADMIN_TOKEN", a.admin, a.revokeToken)))
}

// invited asks for the token without which nobody may post, if there is one.
func (a api) invited(h web.Handler) web.Handler {
	if len(a.post) == 0 {
		return h
	}
	return web.Guard("POST_TOKEN", a.post, h, a.admin...)
}

// created is the answer to POST /posts: the post and, this once, its token.
type created struct {
	Post
	EditToken string `json:"editToken"`
}

func (a api) create(w http.ResponseWriter, r *http.Request) error {
	in, err := web.DecodeLimit[newPost](w, r, maxRequest)
	if err != nil {
		return err
	}
	once, err := service.ReadOnce(r, "POST /posts", in)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	p := Post{ID: id.String(), Title: in.Title, Body: in.Body, Author: in.Author, CreatedAt: time.Now().UTC(), Version: 1}
	if p, err = a.store.as(a.priority(r)).create(r.Context(), p, once); err != nil {
		return err
	}
	token, err := a.store.tokens.First(r.Context(), p.ID)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store") // the token is for one pair of eyes
	w.Header().Set("Location", "/posts/"+p.ID)
	w.Header().Set("ETag", web.VersionTag(p.Version))
	return web.WriteJSON(w, http.StatusCreated, created{p, token})
}

// priority is that of a text: the admin's are written also when Redis is nearly full.
func (a api) priority(r *http.Request) bus.Priority {
	if web.HasToken(r, a.admin) {
		return bus.Essential
	}
	return bus.NewText
}

func (a api) list(w http.ResponseWriter, r *http.Request) error {
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	posts, next, err := a.store.list(r.Context(), page)
	if err != nil {
		return err
	}
	if !next.IsZero() {
		web.NextLink(w, r, "cursor", next.String())
	}
	return web.WriteCached(w, r, posts)
}

func (a api) get(w http.ResponseWriter, r *http.Request) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	p, err := a.store.get(r.Context(), id)
	if p.Takedown != nil {
		return a.takenDown(r, p)
	}
	if err != nil {
		return err
	}
	return web.WriteVersion(w, r, p.Version, p)
}

// takenDown is the error for a post that a moderator deleted. Only its author and
// the admin learn why.
func (a api) takenDown(r *http.Request, p Post) error {
	err := fmt.Errorf("%w: post %s", web.ErrNotFound, p.ID)
	if _, brought := web.Bearer(r); !brought {
		return err
	}
	if !web.HasToken(r, a.admin) {
		if holds, tokenErr := a.store.tokens.Holds(r, p.ID); !holds {
			return cmp.Or(tokenErr, err)
		}
	}
	err = fmt.Errorf("%w: a moderator has taken this post down: %s", web.ErrNotFound, p.Takedown.Reason)
	if p.Takedown.Note != "" {
		err = fmt.Errorf("%w\n\n%s", err, p.Takedown.Note)
	}
	return err
}

func (a api) edit(w http.ResponseWriter, r *http.Request) error {
	id, condition, err := a.authorise(r)
	if err != nil {
		return err
	}
	in, err := web.DecodeLimit[edit](w, r, maxRequest)
	if err != nil {
		return err
	}
	p, err := a.store.as(a.priority(r)).change(r.Context(), id, event.TypePostUpdated, func(p Post) (Post, bool, error) {
		next, changed := p.edited(in)
		if err := check(condition, p); err != nil || !changed {
			return next, changed, err
		}
		// The event holds the whole post, however short the edit is.
		return next, changed, a.limits.Pay(r, int64(len(next.Title)+len(next.Body)+len(next.Author)))
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.VersionTag(p.Version))
	return web.WriteJSON(w, http.StatusOK, p)
}

func (a api) delete(w http.ResponseWriter, r *http.Request) error {
	id, condition, err := a.authorise(r)
	if err != nil {
		return err
	}
	_, err = a.store.change(r.Context(), id, event.TypePostDeleted, func(p Post) (Post, bool, error) {
		return p.deleted(), true, check(condition, p)
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// newToken is the answer to POST /posts/{id}/edit-token.
type newToken struct {
	EditToken string `json:"editToken"`
}

// replaceToken revokes the edit token of a post and returns another one.
func (a api) replaceToken(w http.ResponseWriter, r *http.Request) error {
	token, err := a.revoke(r)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusCreated, newToken{token})
}

// revokeToken revokes the edit token of a post; the author has none then.
func (a api) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.revoke(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a api) revoke(r *http.Request) (token string, err error) {
	id, err := web.ID(r, "id")
	if err != nil {
		return "", err
	}
	if _, err := a.store.get(r.Context(), id); err != nil {
		return "", err
	}
	return a.store.tokens.Revoke(r.Context(), id)
}

// authorise reads who may change which post under what condition. A post that
// nobody can have written is not found before its token is looked at.
func (a api) authorise(r *http.Request) (id string, c web.Condition, err error) {
	if id, err = web.ID(r, "id"); err != nil {
		return id, c, err
	}
	if c, err = web.IfMatch(r); err != nil {
		return id, c, err
	}
	if _, err = a.store.get(r.Context(), id); err != nil {
		return id, c, err
	}
	return id, c, web.AuthorizeOwner(r, a.admin, func() (bool, error) { return a.store.tokens.Holds(r, id) })
}

func check(c web.Condition, p Post) error {
	if !c.Holds(p.Version, p.Version) {
		return fmt.Errorf("%w: post %s is at version %d%s", web.ErrPrecondition, p.ID, p.Version, c.Why())
	}
	return nil
}
