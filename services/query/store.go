package query

import (
	"bytes"
	"context"
	_ "embed" // the scripts
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
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
		was.ID, is.ID = id, id
		index := v.moved(v.place(postID, was), v.place(postID, is))
		index = append(index, v.counted(postID, id, was.approved(), is.approved())...)
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
			return fmt.Errorf("%s: %w", strings.TrimSpace(key+" "+field), err)
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
		return t, fmt.Errorf("the stored view is damaged: %w", err)
	}
	return t, nil
}
