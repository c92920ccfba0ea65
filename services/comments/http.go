package comments

import (
	"context"
	"errors"
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
	admin  web.Tokens // sees and may change every comment

	streams  *web.Streams
	watchers *watchers
}

func (a api) routes(rt *web.Router) {
	rt.Handle("POST", "/posts/{id}/comments", a.limits.Limit(a.create))
	rt.Handle("GET", "/posts/{id}/comments", a.ofPost)
	rt.Handle("GET", "/comments/all", a.all)
	rt.Handle("GET", "/comments/{id}", a.get)
	rt.Handle("GET", "/comments/{id}/stream", a.stream)
	rt.Handle("PATCH", "/comments/{id}", a.limits.Limit(a.edit))
	rt.Handle("DELETE", "/comments/{id}", a.limits.Limit(a.delete))
	rt.Handle("POST", "/comments/{id}/edit-token", a.limits.Limit(web.Guard("ADMIN_TOKEN", a.admin, a.replaceToken)))
	rt.Handle("DELETE", "/comments/{id}/edit-token", a.limits.Limit(web.Guard("ADMIN_TOKEN", a.admin, a.revokeToken)))
}

// created is the answer to a new comment: the comment and, this once, its token.
type created struct {
	view
	EditToken string `json:"editToken"`
}

func (a api) create(w http.ResponseWriter, r *http.Request) error {
	post, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	in, err := web.Decode[newComment](w, r)
	if err != nil {
		return err
	}
	once, err := service.ReadOnce(r, "POST /posts/"+post+"/comments", in)
	if err != nil {
		return err
	}
	names, err := a.store.authors.Of(r)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	c := Comment{
		ID: id.String(), PostID: post, Content: in.Content, Author: in.Author,
		AuthorKey: names.Author, AuthorKeys: names.Authors, NetworkKey: names.Network, NetworkKeys: names.Networks,
		Status: event.Pending, CreatedAt: time.Now().UTC(), Version: 1, Text: 1,
	}
	if c, err = a.createSoon(r.Context(), a.store.as(a.priority(r)), c, once); err != nil {
		return err
	}
	token, err := a.store.tokens.First(r.Context(), c.ID)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store") // the token is for one pair of eyes
	w.Header().Set("Location", "/comments/"+c.ID)
	w.Header().Set("ETag", web.VersionTag(c.Version))
	return web.WriteJSON(w, http.StatusCreated, created{c.private(), token})
}

// priority is that of a text: the admin's are written also when Redis is nearly full.
func (a api) priority(r *http.Request) bus.Priority {
	if web.HasToken(r, a.admin) {
		return bus.Essential
	}
	return bus.NewText
}

// createSoon stores a new comment, if need be once the news of its post has come.
// It asks for the post last because most are known, and because a request that is
// sent again has its first answer also when its post has been deleted since.
func (a api) createSoon(ctx context.Context, s *store, c Comment, once service.Once) (Comment, error) {
	made, err := s.create(ctx, c, once)
	if !errors.Is(err, web.ErrNotFound) {
		return made, err
	}
	if err := a.awaitPost(ctx, c.PostID); err != nil {
		return c, err
	}
	return s.create(ctx, c, once)
}

// How long a new comment waits for the news of its post, and how often it looks.
const (
	postPatience = 500 * time.Millisecond
	postPoll     = 10 * time.Millisecond
)

var errBehind = errors.New("the news of posts is still behind")

// awaitPost returns nil if the post exists, web.ErrNotFound if it does not, and
// an error to try again later if this service has not heard all about posts that
// was to be heard when the question came.
func (a api) awaitPost(ctx context.Context, id string) error {
	exists, err := a.store.postExists(ctx, id)
	if err != nil || exists {
		return err
	}
	until, err := a.store.bus.Last(ctx, event.Stream(event.Posts))
	if err != nil {
		return err
	}
	poll := time.NewTicker(postPoll)
	defer poll.Stop()
	for deadline := time.Now().Add(postPatience); ; {
		// Whether it has caught up is asked first: what it had not heard of by
		// then does not exist.
		passed, err := a.store.bus.Passed(ctx, event.Stream(event.Posts), event.Comments, until)
		if err != nil {
			return err
		}
		if exists, err = a.store.postExists(ctx, id); err != nil || exists {
			return err
		}
		if passed {
			return fmt.Errorf("%w: post %s", web.ErrNotFound, id)
		}
		if time.Now().After(deadline) {
			return web.RetryIn(time.Second, errBehind)
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (a api) ofPost(w http.ResponseWriter, r *http.Request) error {
	post, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	return a.list(w, r, func(ctx context.Context, page web.Page) ([]Comment, web.Cursor, error) {
		return a.store.of(ctx, post, page)
	})
}

func (a api) all(w http.ResponseWriter, r *http.Request) error {
	return a.list(w, r, a.store.all)
}

func (a api) list(w http.ResponseWriter, r *http.Request, read func(context.Context, web.Page) ([]Comment, web.Cursor, error)) error {
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	comments, next, err := read(r.Context(), page)
	if err != nil {
		return err
	}
	if !next.IsZero() {
		web.NextLink(w, r, "cursor", next.String())
	}
	show := Comment.public
	w.Header().Add("Vary", "Authorization")
	if _, brought := web.Bearer(r); brought {
		if !web.HasToken(r, a.admin) {
			return web.Unauthorized(r)
		}
		show = Comment.private
	}
	views := make([]view, len(comments))
	for i, c := range comments {
		views[i] = show(c)
	}
	return web.WriteCached(w, r, views)
}

func (a api) get(w http.ResponseWriter, r *http.Request) error {
	id, err := web.ID(r, "id")
	if err != nil {
		return err
	}
	c, err := a.store.get(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Authorization")
	if _, brought := web.Bearer(r); !brought {
		// Not the version's tag: that is of the form which its author sees.
		return web.WriteCached(w, r, c.public())
	}
	if err := a.maySee(r, id); err != nil {
		return err
	}
	return web.WriteVersion(w, r, c.Version, c.private())
}

func (a api) edit(w http.ResponseWriter, r *http.Request) error {
	id, condition, err := a.authorise(r)
	if err != nil {
		return err
	}
	in, err := web.Decode[edit](w, r)
	if err != nil {
		return err
	}
	c, err := a.store.as(a.priority(r)).change(r.Context(), id, event.TypeCommentEdited, nil, func(c Comment) (Comment, bool, error) {
		next, changed := c.edited(in)
		if err := check(condition, c); err != nil || !changed {
			return next, changed, err
		}
		// The event holds the whole comment, however short the edit is.
		return next, changed, a.limits.Pay(r, int64(len(next.Content)+len(next.Author)))
	})
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.VersionTag(c.Version))
	return web.WriteJSON(w, http.StatusOK, c.private())
}

func (a api) delete(w http.ResponseWriter, r *http.Request) error {
	id, condition, err := a.authorise(r)
	if err != nil {
		return err
	}
	_, err = a.store.change(r.Context(), id, event.TypeCommentDeleted, nil, func(c Comment) (Comment, bool, error) {
		return c.deleted(), true, check(condition, c)
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// newToken is the answer to POST /comments/{id}/edit-token.
type newToken struct {
	EditToken string `json:"editToken"`
}

// replaceToken revokes the edit token of a comment and returns another one.
func (a api) replaceToken(w http.ResponseWriter, r *http.Request) error {
	token, err := a.revoke(r)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusCreated, newToken{token})
}

// revokeToken revokes the edit token of a comment; the author has none then.
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
	token, err = a.store.tokens.Revoke(r.Context(), id)
	a.watchers.tell(id) // those with the old token are to go
	return token, err
}

// authorise reads who may change which comment under what condition.
func (a api) authorise(r *http.Request) (id string, condition web.Condition, err error) {
	if id, err = web.ID(r, "id"); err != nil {
		return id, condition, err
	}
	if condition, err = web.IfMatch(r); err != nil {
		return id, condition, err
	}
	if _, err = a.store.get(r.Context(), id); err != nil {
		return id, condition, err
	}
	return id, condition, web.AuthorizeOwner(r, a.admin, func() (bool, error) { return a.store.tokens.Holds(r, id) })
}

// maySee returns nil if r brings the comment's token or the admin's.
func (a api) maySee(r *http.Request, id string) error {
	if web.HasToken(r, a.admin) {
		return nil
	}
	holds, err := a.store.tokens.Holds(r, id)
	if err == nil && !holds {
		err = web.Unauthorized(r)
	}
	return err
}

// check holds an author to the text that they have seen: verdicts that came
// since do not count against them.
func check(condition web.Condition, c Comment) error {
	if c.Version == 0 || c.Deleted {
		return fmt.Errorf("%w: comment %s", web.ErrNotFound, c.ID)
	}
	if !condition.Holds(c.Text, c.Version) {
		return fmt.Errorf("%w: comment %s has been changed: its text is that of version %d%s", web.ErrPrecondition, c.ID, c.Text, condition.Why())
	}
	return nil
}
