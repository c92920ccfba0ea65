package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// What is read from the view at one moment comes with the id of the last notice
// of a change at that moment: the version of the view.

// readBudget is how many bytes of documents a script reads for one answer: it holds
// up whoever else asks Redis, and what it reads is parsed. An answer has no more bytes
// than the documents that it is made of, but for what the others on its page need.
const readBudget = web.AnswerBudget - 64<<10

// page returns up to limit posts after the cursor, newest first, and whether there
// are more behind them. Fewer come where they are large.
func (s *store) page(ctx context.Context, after web.Cursor, limit int) ([]postView, bool, bus.ID, error) {
	found, rest, version, err := s.readPosts(ctx, from(after), limit, previewed)
	return viewsOf(found), rest > 0, version, err
}

// post returns one post; web.ErrNotFound if there is none to show.
func (s *store) post(ctx context.Context, id string) (postView, bus.ID, error) {
	p, version, err := s.readPost(ctx, id, previewed)
	if err != nil {
		return postView{}, version, err
	}
	return p.view(), version, nil
}

// readPost reads one post with so many of its latest comments.
func (s *store) readPost(ctx context.Context, id string, comments int) (foundPost, bus.ID, error) {
	posts, _, version, err := s.readPosts(ctx, "", 0, comments, id)
	if err == nil && len(posts) == 0 {
		err = fmt.Errorf("%w: post %s", web.ErrNotFound, id)
	}
	if err != nil {
		return foundPost{}, version, err
	}
	return posts[0], version, nil
}

func viewsOf(found []foundPost) []postView {
	views := make([]postView, len(found))
	for i, f := range found {
		views[i] = f.view()
	}
	return views
}

// foundPost is a post that is shown, how many of its comments are approved, the
// latest of those, and the latest others, each the newest first.
type foundPost struct {
	post
	approved int64
	comments []comment
	others   []commentView
}

// view returns the post as it is shown, with its comments.
func (f foundPost) view() postView {
	v := f.post.view(f.approved)
	v.Comments = inOrder(f.comments, f.others)
	for i := range v.Comments {
		v.Comments[i].cut(previewCut)
	}
	return v
}

// inOrder returns comments as they are shown, in posting order.
func inOrder(approved []comment, others []commentView) []commentView {
	views := make([]commentView, 0, len(approved)+len(others))
	for _, c := range approved {
		views = append(views, c.view())
	}
	views = append(views, others...)
	slices.SortFunc(views, func(a, b commentView) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return views
}

// readPosts asks page.lua for posts with so many of their latest comments: of the
// feed from a member on, or those with the ids. Posts that are not shown are left out.
// rest is how many of those that were asked for, or are known to follow, did not fit.
func (s *store) readPosts(ctx context.Context, from string, limit, comments int, ids ...string) (posts []foundPost, rest int, version bus.ID, err error) {
	args := []any{from, limit, comments, readBudget}
	for _, id := range ids {
		args = append(args, id)
	}
	cells, err := s.pageScript.RunRO(ctx, s.bus.Redis(), readKeys(), args...).Slice()
	if err != nil {
		return nil, 0, bus.ID{}, bus.Err("read the view", err)
	}
	version, cells, err = versioned(cells, 3)
	if err != nil {
		return nil, 0, version, fmt.Errorf("read the view: %w", err)
	}
	done, _ := cells[0].(int64)
	of, _ := cells[1].(int64)
	rows, _ := cells[2].([]any)
	for _, row := range rows {
		p, err := parseFound(row)
		if err != nil {
			return nil, 0, version, err
		}
		if p.shown() {
			posts = append(posts, p)
		}
	}
	return posts, int(of - done), version, nil
}

// parseFound reads one row of page.lua.
func parseFound(row any) (foundPost, error) {
	cells, ok := row.([]any)
	if !ok || len(cells) != 5 {
		return foundPost{}, fmt.Errorf("read the view: unexpected answer %.200v", row)
	}
	value, _ := cells[1].(string)
	p, err := parse[post](value)
	if err != nil {
		return foundPost{}, fmt.Errorf("post %v: %w", cells[0], err)
	}
	f := foundPost{post: p}
	f.approved, _ = cells[2].(int64)
	if f.comments, err = parseComments(cells[3]); err != nil {
		return f, fmt.Errorf("a comment of post %v: %w", cells[0], err)
	}
	if f.others, err = parseOthers(cells[4]); err != nil {
		return f, fmt.Errorf("a comment of post %v: %w", cells[0], err)
	}
	return f, nil
}

// commentsPage is a part of the comments of a post.
type commentsPage struct {
	post     post
	approved []comment
	others   []commentView
	more     bool // approved ones behind these
}

// comments returns up to limit approved comments of a post after the cursor, oldest
// first, and the others among them.
func (s *store) comments(ctx context.Context, postID string, after web.Cursor, limit int) (commentsPage, bus.ID, error) {
	page, version, err := s.readComments(ctx, postID, from(after), limit, readBudget)
	if err == nil && !page.post.shown() {
		err = fmt.Errorf("%w: post %s", web.ErrNotFound, postID)
	}
	return page, version, err
}

// readComments asks comments.lua; a post that is not known is the zero post.
func (s *store) readComments(ctx context.Context, postID string, args ...any) (commentsPage, bus.ID, error) {
	cells, err := s.commentsPage.RunRO(ctx, s.bus.Redis(), readKeys(), append([]any{postID}, args...)...).Slice()
	if errors.Is(err, redis.Nil) {
		return commentsPage{}, bus.ID{}, nil
	}
	if err != nil {
		return commentsPage{}, bus.ID{}, bus.Err("read comments", err)
	}
	version, cells, err := versioned(cells, 4)
	if err != nil {
		return commentsPage{}, version, fmt.Errorf("read comments: %w", err)
	}
	value, _ := cells[0].(string)
	var page commentsPage
	if page.post, err = parse[post](value); err != nil {
		return page, version, fmt.Errorf("post %v: %w", postID, err)
	}
	more, _ := cells[1].(int64)
	page.more = more == 1
	if page.approved, err = parseComments(cells[2]); err == nil {
		page.others, err = parseOthers(cells[3])
	}
	if err != nil {
		err = fmt.Errorf("a comment of post %v: %w", postID, err)
	}
	return page, version, err
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

func parseOthers(cell any) ([]commentView, error) {
	members, _ := cell.([]any)
	others := make([]commentView, 0, len(members))
	for _, m := range members {
		member, _ := m.(string)
		c, err := parseOther(member)
		if err != nil {
			return nil, err
		}
		others = append(others, c)
	}
	return others, nil
}

// from returns the member of a sorted set that the cursor stands for.
func from(c web.Cursor) string {
	if c.IsZero() {
		return ""
	}
	return bus.TimeKey(c.At, c.ID)
}
