package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
)

// Difference is something that the view has otherwise than the streams say.
type Difference struct {
	Post    string `json:"post"`
	Comment string `json:"comment,omitempty"` // "" if it is the post itself
	What    string `json:"what"`
}

// String says it in one line.
func (d Difference) String() string {
	if d.Comment == "" {
		return "post " + d.Post + ": " + d.What
	}
	return "comment " + d.Comment + " of post " + d.Post + ": " + d.What
}

// found is what a generation holds of a post.
type found struct {
	post     post
	comments map[string]comment
	order    map[string]bool // members
	approved map[string]bool // ids
	placed   bool            // whether the feed has the member that was asked for
}

// pageOf is how many fields or members are read at a time.
const pageOf = 500

// find reads what a generation holds of a post. It is not read at one moment, so
// what differs may only have moved meanwhile.
func (s *store) find(ctx context.Context, v view, postID, place string) (found, error) {
	f := found{comments: map[string]comment{}, order: map[string]bool{}, approved: map[string]bool{}}
	client := s.bus.Redis()
	var doc *redis.StringCmd
	var placed *redis.FloatCmd
	var comments, order, approved *redis.ScanCmd
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		doc = p.Get(ctx, v.post(postID))
		placed = p.ZScore(ctx, v.feed(), place)
		comments = p.HScan(ctx, v.comments(postID), 0, "", pageOf)
		order = p.ZScan(ctx, v.order(postID), 0, "", pageOf)
		approved = p.SScan(ctx, v.approved(postID), 0, "", pageOf)
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return f, bus.Err("read the view", err)
	}
	f.placed = placed.Err() == nil
	p, err := parse[post](doc.Val())
	if err != nil {
		return f, err
	}
	f.post = p.digested()
	err = errors.Join(
		pages(comments, func(at uint64) *redis.ScanCmd { return client.HScan(ctx, v.comments(postID), at, "", pageOf) },
			func(pairs []string) error {
				for i := 0; i+1 < len(pairs); i += 2 {
					c, err := parse[comment](pairs[i+1])
					if err != nil {
						return err
					}
					f.comments[pairs[i]] = c.digested()
				}
				return nil
			}),
		pages(order, func(at uint64) *redis.ScanCmd { return client.ZScan(ctx, v.order(postID), at, "", pageOf) },
			func(pairs []string) error {
				for i := 0; i+1 < len(pairs); i += 2 {
					f.order[pairs[i]] = true
				}
				return nil
			}),
		pages(approved, func(at uint64) *redis.ScanCmd { return client.SScan(ctx, v.approved(postID), at, "", pageOf) },
			func(ids []string) error {
				for _, id := range ids {
					f.approved[id] = true
				}
				return nil
			}),
	)
	return f, err
}

// pages takes what a scan has found on its first page, and on all others.
func pages(page *redis.ScanCmd, next func(cursor uint64) *redis.ScanCmd, take func(values []string) error) error {
	for {
		values, cursor, err := page.Result()
		if err != nil {
			return bus.Err("read the view", err)
		}
		if err := take(values); err != nil || cursor == 0 {
			return err
		}
		page = next(cursor)
	}
}

// differences compares what a generation holds of a post with what it should.
func (e *expected) differences(postID string, f found) []Difference {
	var all []Difference
	add := func(comment, format string, args ...any) {
		all = append(all, Difference{postID, comment, fmt.Sprintf(format, args...)})
	}
	if e.post != f.post {
		add("", "%s", differs(e.post.ID != "", f.post.ID != "", postFields(e.post, f.post)))
	}
	if e.place() != "" && !f.placed {
		add("", "is missing from the feed")
	}
	order, approved := map[string]bool{}, map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(e.comments)) {
		c, has := f.comments[id]
		want := e.comments[id]
		if want != c {
			add(id, "%s", differs(true, has, commentFields(want, c)))
		}
		if want.shown() {
			order[bus.TimeKey(want.Created.At, id)] = true
		}
		if want.approved() {
			approved[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.comments)) {
		if _, ok := e.comments[id]; !ok {
			add(id, "%s", differs(false, true, nil))
		}
	}
	eachUnlike(order, f.order, func(member string, missing bool) {
		_, id, _ := strings.Cut(member, " ")
		add(id, "%s the order of comments", amiss(missing))
	})
	eachUnlike(approved, f.approved, func(id string, missing bool) { add(id, "%s the approved ones", amiss(missing)) })
	return all
}

func amiss(missing bool) string {
	if missing {
		return "is missing from"
	}
	return "should not be among"
}

// eachUnlike calls each, in order, for what is in only one of two sets.
func eachUnlike(want, got map[string]bool, each func(member string, missing bool)) {
	for _, m := range slices.Sorted(maps.Keys(want)) {
		if !got[m] {
			each(m, true)
		}
	}
	for _, m := range slices.Sorted(maps.Keys(got)) {
		if !want[m] {
			each(m, false)
		}
	}
}

func differs(want, got bool, fields []string) string {
	switch {
	case !got:
		return "is missing from the view"
	case !want:
		return "is in the view, and no event tells of it"
	default:
		return "differs in " + strings.Join(fields, ", ")
	}
}

func postFields(a, b post) []string {
	return slices.Concat(
		unlike("title", a.Title, b.Title), unlike("body", a.Body, b.Body), unlike("author", a.Author, b.Author),
		unlike("version", a.Version, b.Version), unlike("createdAt", a.Created, b.Created), unlike("deletion", a.Deleted, b.Deleted),
	)
}

func commentFields(a, b comment) []string {
	return slices.Concat(
		unlike("content", a.Content, b.Content), unlike("author", a.Author, b.Author), unlike("status", a.Status, b.Status),
		unlike("version", a.Version, b.Version), unlike("createdAt", a.Created, b.Created), unlike("deletion", a.Deleted, b.Deleted),
	)
}

func unlike[T comparable](name string, a, b T) []string {
	if a == b {
		return nil
	}
	return []string{name}
}

func byPlace(a, b Difference) int {
	return cmp.Or(cmp.Compare(a.Post, b.Post), cmp.Compare(a.Comment, b.Comment), cmp.Compare(a.What, b.What))
}
