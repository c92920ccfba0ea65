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
	Post    string `json:"post"`              // "" if it is the feed itself
	Comment string `json:"comment,omitempty"` // "" if it is the post itself
	What    string `json:"what"`
}

// String says it in one line.
func (d Difference) String() string {
	if d.Post == "" {
		return d.What
	}
	if d.Comment == "" {
		return "post " + d.Post + ": " + d.What
	}
	return "comment " + d.Comment + " of post " + d.Post + ": " + d.What
}

// found is what a generation holds of a post.
type found struct {
	post     post
	comments map[string]comment
	approved map[string]bool // members
	others   map[string]bool // members
	placed   bool            // whether the feed has the member that was asked for

	// What cannot be read, and is not compared any further.
	noPost, noFeed, noComments, noApproved, noOthers error
	badComments                                      map[string]error
}

// unreadable reports whether err, of the Redis client or of this package, is the
// doing of what is stored and not of Redis.
func unreadable(err error) bool {
	return err != nil && !errors.Is(err, redis.Nil) && !errors.Is(err, context.Canceled) &&
		!bus.Unavailable(err) && !bus.Unavailable(bus.Err("", err))
}

func cannotRead(key string, err error) string { return "cannot be read: " + key + ": " + err.Error() }

// pageOf is how many fields or members are read at a time.
const pageOf = 500

// find reads what a generation holds of a post. It is not read at one moment, so
// what differs may only have moved meanwhile.
func (s *store) find(ctx context.Context, v view, postID, place string) (found, error) {
	f := found{
		comments: map[string]comment{}, approved: map[string]bool{}, others: map[string]bool{}, badComments: map[string]error{},
	}
	client := s.bus.Redis()
	var doc *redis.StringCmd
	var placed *redis.FloatCmd
	var comments, approved, others *redis.ScanCmd
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		doc = p.Get(ctx, v.post(postID))
		placed = p.ZScore(ctx, v.feed(), place)
		comments = p.HScan(ctx, v.comments(postID), 0, "", pageOf)
		approved = p.ZScan(ctx, v.approved(postID), 0, "", pageOf)
		others = p.ZScan(ctx, v.others(postID), 0, "", pageOf)
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && !unreadable(err) {
		return f, bus.Err("read the view", err)
	}
	f.placed = placed.Err() == nil
	if unreadable(placed.Err()) {
		f.noFeed = placed.Err()
	}
	p, err := parse[post](doc.Val())
	if unreadable(doc.Err()) {
		err = doc.Err()
	}
	f.post, f.noPost = p.digested(), err
	return f, errors.Join(
		readOr(&f.noComments, comments, func(at uint64) *redis.ScanCmd { return client.HScan(ctx, v.comments(postID), at, "", pageOf) },
			func(pairs []string) error {
				for i := 0; i+1 < len(pairs); i += 2 {
					c, err := parse[comment](pairs[i+1])
					if err != nil {
						f.badComments[pairs[i]] = err
					}
					f.comments[pairs[i]] = c.digested()
				}
				return nil
			}),
		readOr(&f.noApproved, approved, func(at uint64) *redis.ScanCmd { return client.ZScan(ctx, v.approved(postID), at, "", pageOf) },
			membersInto(f.approved)),
		readOr(&f.noOthers, others, func(at uint64) *redis.ScanCmd { return client.ZScan(ctx, v.others(postID), at, "", pageOf) },
			membersInto(f.others)),
	)
}

// membersInto puts the members of a sorted set into a map.
func membersInto(set map[string]bool) func(pairs []string) error {
	return func(pairs []string) error {
		for i := 0; i+1 < len(pairs); i += 2 {
			set[pairs[i]] = true
		}
		return nil
	}
}

// readOr is pages, and notes it where that cannot be read.
func readOr(note *error, page *redis.ScanCmd, next func(cursor uint64) *redis.ScanCmd, take func(values []string) error) error {
	err := pages(page, next, take)
	if unreadable(err) {
		*note, err = err, nil
	}
	return err
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

// differences compares what a generation holds of a post with what it should. What
// is missing as a whole, or should not be there at all, is told once and not for
// each index as well.
func (e *expected) differences(v view, postID string, f found) []Difference {
	var all []Difference
	add := func(comment, format string, args ...any) {
		all = append(all, Difference{postID, comment, fmt.Sprintf(format, args...)})
	}
	has := f.post.ID != ""
	switch {
	case f.noPost != nil:
		add("", "%s", cannotRead(v.post(postID), f.noPost))
	case e.post != f.post:
		add("", "%s", differs(e.post.ID != "", has, postFields(e.post, f.post)))
	}
	if e.place() != "" && !f.placed && f.noFeed == nil && (has || f.noPost != nil) {
		add("", "is missing from the feed")
	}
	told := e.compareComments(v, postID, f, add)
	approved, others := map[string]bool{}, map[string]bool{}
	for id, want := range e.comments {
		want.ID = id
		switch place := v.place(postID, want); place.key {
		case "":
		case v.approved(postID):
			approved[place.member] = true
		default:
			others[place.member] = true
		}
	}
	compareIndex := func(key, name string, unread error, want, got map[string]bool) {
		if unread != nil {
			add("", "which of its comments are %s %s", name, cannotRead(key, unread))
			return
		}
		eachUnlike(want, got, func(member string, missing bool) {
			id := ""
			if parts := strings.Split(member, " "); len(parts) > 1 {
				id = parts[1]
			}
			if !told[id] {
				add(id, "%s the %s ones", amiss(missing), name)
			}
		})
	}
	compareIndex(v.approved(postID), "approved", f.noApproved, approved, f.approved)
	compareIndex(v.others(postID), "not approved", f.noOthers, others, f.others)
	return all
}

// compareComments compares what is known of each comment, and returns those that are
// missing, or should not be there.
func (e *expected) compareComments(v view, postID string, f found, add func(comment, format string, args ...any)) map[string]bool {
	told := map[string]bool{}
	if f.noComments != nil {
		add("", "what is known of its comments %s", cannotRead(v.comments(postID), f.noComments))
		return told
	}
	for _, id := range slices.Sorted(maps.Keys(e.comments)) {
		c, has := f.comments[id]
		switch want := e.comments[id]; {
		case f.badComments[id] != nil:
			add(id, "%s", cannotRead(v.comments(postID)+" "+id, f.badComments[id]))
		case want != c:
			told[id] = !has
			add(id, "%s", differs(true, has, commentFields(want, c)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.comments)) {
		if _, ok := e.comments[id]; !ok {
			told[id] = true
			add(id, "%s", differs(false, true, nil))
		}
	}
	return told
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
