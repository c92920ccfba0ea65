package query

import (
	"bytes"
	"context"
	_ "embed" // the scripts
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// maxTries bounds how often a change is folded anew because another came first.
const maxTries = 50

//go:embed lua/live.lua
var liveLua string

//go:embed lua/page.lua
var pageLua string

//go:embed lua/comments.lua
var commentsLua string

//go:embed lua/look.lua
var lookLua string

// store keeps the view in Redis.
type store struct {
	bus          *bus.Bus
	schema       int                      // that this release makes
	catchUp      time.Duration            // how long a verification waits for the service
	known        atomic.Pointer[registry] // nil if it is to be loaded
	pageScript   *redis.Script
	commentsPage *redis.Script
	lookScript   *redis.Script
}

func newStore(b *bus.Bus) *store {
	read := func(script string) *redis.Script { return redis.NewScript(liveLua + script) }
	return &store{
		bus: b, schema: schema, catchUp: usualCatchUp,
		pageScript: read(pageLua), commentsPage: read(commentsLua), lookScript: read(lookLua),
	}
}

// foldPost writes what next makes of a post, and its place in the feed.
func (s *store) foldPost(ctx context.Context, v view, id string, next func(post) post) error {
	return fold(ctx, s.bus, v.post(id), "", next, func(was, is post) bus.Change {
		index := moved(v.feed(), bus.TimeKey(was.Created.At, id), was.shown(), bus.TimeKey(is.Created.At, id), is.shown())
		return v.change(index, subject{post: id}, is.Version.Value)
	})
}

// foldComment writes what next makes of a comment, and its places under the post.
func (s *store) foldComment(ctx context.Context, v view, postID, id string, next func(comment) comment) error {
	return fold(ctx, s.bus, v.comments(postID), id, next, func(was, is comment) bus.Change {
		index := moved(v.order(postID), bus.TimeKey(was.Created.At, id), was.shown(), bus.TimeKey(is.Created.At, id), is.shown())
		switch {
		case is.approved() && !was.approved():
			index = append(index, bus.Index{Verb: bus.SAdd, Key: v.approved(postID), Member: id})
		case was.approved() && !is.approved():
			index = append(index, bus.Index{Verb: bus.SRem, Key: v.approved(postID), Member: id})
		}
		return v.change(index, subject{postID, id}, is.Version.Value)
	})
}

// moved returns what takes a member of a sorted set from its old place to its
// new one.
func moved(key, from string, was bool, to string, is bool) []bus.Index {
	if was == is && from == to {
		return nil
	}
	var index []bus.Index
	if was {
		index = append(index, bus.Index{Verb: bus.ZRem, Key: key, Member: from})
	}
	if is {
		index = append(index, bus.Index{Verb: bus.ZAdd, Key: key, Member: to})
	}
	return index
}

// fold replaces a document by what next makes of it, with the indexes and the
// notice of change. It begins with the guess that there is none, which holds for
// every first event and costs the others nothing: the refusal brings the document
// that a read would have.
func fold[T any](ctx context.Context, b *bus.Bus, key, field string, next func(T) T, change func(was, is T) bus.Change) error {
	var doc bus.Doc
	for range maxTries {
		was, err := parse[T](string(doc.JSON))
		if err != nil {
			return err
		}
		is := next(was)
		value, err := json.Marshal(is)
		if err != nil {
			return err
		}
		if bytes.Equal(value, doc.JSON) {
			return nil
		}
		c := change(was, is)
		c.Key, c.Field, c.Want, c.Doc = key, field, doc, value
		_, err = b.Commit(ctx, c)
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if !lost {
			return err
		}
		doc = conflict.Now
	}
	return fmt.Errorf("%s keeps changing", key)
}

func parse[T any](value string) (T, error) {
	var t T
	if value == "" {
		return t, nil
	}
	if err := json.Unmarshal([]byte(value), &t); err != nil {
		return t, fmt.Errorf("stored view: %w", err)
	}
	return t, nil
}

// page returns up to limit posts after the cursor, newest first.
func (s *store) page(ctx context.Context, after web.Cursor, limit int) ([]postView, error) {
	return s.read(ctx, from(after), limit, previewed)
}

// post returns one post; web.ErrNotFound if there is none to show.
func (s *store) post(ctx context.Context, id string) (postView, error) {
	posts, err := s.read(ctx, "", 1, previewed, id)
	if err != nil {
		return postView{}, err
	}
	if len(posts) == 0 {
		return postView{}, fmt.Errorf("%w: post %s", web.ErrNotFound, id)
	}
	return posts[0], nil
}

func (s *store) read(ctx context.Context, args ...any) ([]postView, error) {
	found, err := s.readPosts(ctx, args...)
	if err != nil {
		return nil, err
	}
	views := make([]postView, len(found))
	for i, f := range found {
		views[i] = f.view(f.approved, f.comments)
	}
	return views, nil
}

// foundPost is a post that is shown, how many of its comments are approved, and
// the latest of all.
type foundPost struct {
	post
	approved int64
	comments []comment
}

func (s *store) readPosts(ctx context.Context, args ...any) ([]foundPost, error) {
	rows, err := s.pageScript.RunRO(ctx, s.bus.Redis(), []string{gensKey}, args...).Slice()
	if err != nil {
		return nil, bus.Err("read the view", err)
	}
	posts := make([]foundPost, 0, len(rows))
	for _, row := range rows {
		cells, ok := row.([]any)
		if !ok || len(cells) != 4 {
			return nil, fmt.Errorf("read the view: unexpected answer %v", row)
		}
		value, _ := cells[1].(string)
		p, err := parse[post](value)
		if err != nil {
			return nil, err
		}
		if !p.shown() {
			continue
		}
		approved, _ := cells[2].(int64)
		comments, err := parseComments(cells[3])
		if err != nil {
			return nil, err
		}
		posts = append(posts, foundPost{p, approved, comments})
	}
	return posts, nil
}

// comments returns up to limit comments of a post after the cursor, oldest first.
func (s *store) comments(ctx context.Context, postID string, after web.Cursor, limit int) ([]commentView, error) {
	row, err := s.commentsPage.RunRO(ctx, s.bus.Redis(), []string{gensKey}, postID, from(after), limit).Slice()
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("%w: post %s", web.ErrNotFound, postID)
	}
	if err != nil {
		return nil, bus.Err("read comments", err)
	}
	if len(row) != 2 {
		return nil, fmt.Errorf("read comments: unexpected answer %v", row)
	}
	value, _ := row[0].(string)
	p, err := parse[post](value)
	if err != nil {
		return nil, err
	}
	if !p.shown() {
		return nil, fmt.Errorf("%w: post %s", web.ErrNotFound, postID)
	}
	found, err := parseComments(row[1])
	if err != nil {
		return nil, err
	}
	views := make([]commentView, len(found))
	for i, c := range found {
		views[i] = c.view()
	}
	return views, nil
}

func parseComments(cell any) ([]comment, error) {
	values, _ := cell.([]any)
	comments := make([]comment, 0, len(values))
	for _, v := range values {
		value, ok := v.(string)
		if !ok {
			continue
		}
		c, err := parse[comment](value)
		if err != nil {
			return nil, err
		}
		comments = append(comments, c)
	}
	return comments, nil
}

// from returns the member of a sorted set that the cursor stands for.
func from(c web.Cursor) string {
	if c.IsZero() {
		return ""
	}
	return bus.TimeKey(c.At, c.ID)
}

// commentsBack returns up to limit comments of a post before a member of its
// order, newest first, and the member to go on from, "" at the end. A comment is
// as it is when it is read.
func (s *store) commentsBack(ctx context.Context, postID, before string, limit int) (found []comment, last string, err error) {
	row, err := s.commentsPage.RunRO(ctx, s.bus.Redis(), []string{gensKey}, postID, before, limit, "back").Slice()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, "", nil
	case err != nil:
		return nil, "", bus.Err("read comments", err)
	case len(row) != 2:
		return nil, "", fmt.Errorf("read comments: unexpected answer %v", row)
	}
	if found, err = parseComments(row[1]); len(found) == limit {
		last = bus.TimeKey(found[limit-1].Created.At, found[limit-1].ID)
	}
	return found, last, err
}
