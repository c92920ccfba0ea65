package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// What is read from the view at one moment comes with the id of the last notice
// of a change at that moment: the version of the view.

// page returns up to limit posts after the cursor, newest first.
func (s *store) page(ctx context.Context, after web.Cursor, limit int) ([]postView, bus.ID, error) {
	return s.read(ctx, from(after), limit, previewed)
}

// post returns one post; web.ErrNotFound if there is none to show.
func (s *store) post(ctx context.Context, id string) (postView, bus.ID, error) {
	posts, version, err := s.read(ctx, "", 1, previewed, id)
	if err != nil {
		return postView{}, version, err
	}
	if len(posts) == 0 {
		return postView{}, version, fmt.Errorf("%w: post %s", web.ErrNotFound, id)
	}
	return posts[0], version, nil
}

func (s *store) read(ctx context.Context, args ...any) ([]postView, bus.ID, error) {
	found, version, err := s.readPosts(ctx, args...)
	if err != nil {
		return nil, version, err
	}
	views := make([]postView, len(found))
	for i, f := range found {
		views[i] = f.view(f.approved, f.comments)
	}
	return views, version, nil
}

// foundPost is a post that is shown, how many of its comments are approved, and
// the latest of all.
type foundPost struct {
	post
	approved int64
	comments []comment
}

func (s *store) readPosts(ctx context.Context, args ...any) ([]foundPost, bus.ID, error) {
	cells, err := s.pageScript.RunRO(ctx, s.bus.Redis(), readKeys(), args...).Slice()
	if err != nil {
		return nil, bus.ID{}, bus.Err("read the view", err)
	}
	version, cells, err := versioned(cells, 1)
	if err != nil {
		return nil, version, fmt.Errorf("read the view: %w", err)
	}
	rows, _ := cells[0].([]any)
	posts := make([]foundPost, 0, len(rows))
	for _, row := range rows {
		cells, ok := row.([]any)
		if !ok || len(cells) != 4 {
			return nil, version, fmt.Errorf("read the view: unexpected answer %v", row)
		}
		value, _ := cells[1].(string)
		p, err := parse[post](value)
		if err != nil {
			return nil, version, fmt.Errorf("post %v: %w", cells[0], err)
		}
		if !p.shown() {
			continue
		}
		approved, _ := cells[2].(int64)
		comments, err := parseComments(cells[3])
		if err != nil {
			return nil, version, fmt.Errorf("a comment of post %v: %w", cells[0], err)
		}
		posts = append(posts, foundPost{p, approved, comments})
	}
	return posts, version, nil
}

// comments returns up to limit comments of a post after the cursor, oldest first.
func (s *store) comments(ctx context.Context, postID string, after web.Cursor, limit int) ([]commentView, bus.ID, error) {
	p, found, version, err := s.readComments(ctx, postID, from(after), limit)
	if err == nil && !p.shown() {
		err = fmt.Errorf("%w: post %s", web.ErrNotFound, postID)
	}
	if err != nil {
		return nil, version, err
	}
	views := make([]commentView, len(found))
	for i, c := range found {
		views[i] = c.view()
	}
	return views, version, nil
}

// commentsBack returns up to limit comments of a post before a member of its
// order, newest first, and the member to go on from, "" at the end. A comment is
// as it is when it is read.
func (s *store) commentsBack(ctx context.Context, postID, before string, limit int) (found []comment, last string, err error) {
	_, found, _, err = s.readComments(ctx, postID, before, limit, "back")
	if len(found) == limit {
		last = bus.TimeKey(found[limit-1].Created.At, found[limit-1].ID)
	}
	return found, last, err
}

// readComments asks comments.lua; a post that is not known is the zero post.
func (s *store) readComments(ctx context.Context, args ...any) (post, []comment, bus.ID, error) {
	cells, err := s.commentsPage.RunRO(ctx, s.bus.Redis(), readKeys(), args...).Slice()
	if errors.Is(err, redis.Nil) {
		return post{}, nil, bus.ID{}, nil
	}
	if err != nil {
		return post{}, nil, bus.ID{}, bus.Err("read comments", err)
	}
	version, cells, err := versioned(cells, 2)
	if err != nil {
		return post{}, nil, version, fmt.Errorf("read comments: %w", err)
	}
	value, _ := cells[0].(string)
	p, err := parse[post](value)
	if err != nil {
		return p, nil, version, fmt.Errorf("post %v: %w", args[0], err)
	}
	found, err := parseComments(cells[1])
	if err != nil {
		err = fmt.Errorf("a comment of post %v: %w", args[0], err)
	}
	return p, found, version, err
}

// readKeys are the keys of every script that says at which version it read.
func readKeys() []string { return []string{gensKey, changesStream} }

// versioned takes the version from an answer that has n cells behind it.
func versioned(cells []any, n int) (bus.ID, []any, error) {
	if len(cells) != 1+n {
		return bus.ID{}, nil, fmt.Errorf("unexpected answer %v", cells)
	}
	text, _ := cells[0].(string)
	version, err := bus.ParseID(text)
	return version, cells[1:], err
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
