package query

import (
	"context"
	"fmt"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// look returns what there is to be seen now of each subject, as a message
// without an id.
func (s *store) look(ctx context.Context, subjects []subject) (map[subject]web.Message, error) {
	seen := make(map[subject]web.Message, len(subjects))
	if err := s.lookAtPosts(ctx, subjects, seen); err != nil {
		return nil, err
	}
	if err := s.lookAtComments(ctx, subjects, seen); err != nil {
		return nil, err
	}
	return seen, nil
}

func (s *store) lookAtPosts(ctx context.Context, subjects []subject, seen map[subject]web.Message) error {
	var ids []string
	for _, about := range subjects {
		if about.comment == "" {
			ids = append(ids, about.post)
			seen[about] = about.postMessage(postView{}, false)
		}
	}
	for len(ids) > 0 {
		posts, rest, _, err := s.readPosts(ctx, "", 0, previewed, ids...)
		if err != nil {
			return err
		}
		for _, p := range posts {
			about := subject{post: p.ID}
			seen[about] = about.postMessage(p.view(), true)
		}
		ids = ids[len(ids)-rest:] // what did not fit into one answer of Redis
	}
	return nil
}

func (s *store) lookAtComments(ctx context.Context, subjects []subject, seen map[subject]web.Message) error {
	var posts []string // in the order of the arguments
	wanted := map[string][]string{}
	for _, about := range subjects {
		if about.comment == "" {
			continue
		}
		if wanted[about.post] == nil {
			posts = append(posts, about.post)
		}
		wanted[about.post] = append(wanted[about.post], about.comment)
	}
	if len(posts) == 0 {
		return nil
	}
	var args []any
	for _, post := range posts {
		args = append(args, post, len(wanted[post]))
		for _, comment := range wanted[post] {
			args = append(args, comment)
		}
	}
	rows, err := s.lookScript.RunRO(ctx, s.bus.Redis(), []string{gensKey}, args...).Slice()
	if err != nil {
		return bus.Err("look at comments", err)
	}
	if len(rows) != len(posts) {
		return fmt.Errorf("look at comments: %d answers for %d posts", len(rows), len(posts))
	}
	for i, row := range rows {
		if err := seeComments(posts[i], wanted[posts[i]], row, seen); err != nil {
			return err
		}
	}
	return nil
}

// seeComments reads one row of look.lua.
func seeComments(postID string, ids []string, row any, seen map[subject]web.Message) error {
	p, approved, comments, err := parseLook(row, len(ids))
	if err != nil {
		return err
	}
	for i, id := range ids {
		about := subject{postID, id}
		seen[about] = about.commentMessage(p, approved, comments[i])
	}
	return nil
}

// parseLook reads one row of look.lua, for which n comments were asked.
func parseLook(row any, n int) (p post, approved int64, comments []comment, err error) {
	cells, _ := row.([]any)
	if len(cells) != 3 {
		return post{}, 0, nil, fmt.Errorf("look at comments: unexpected answer %v", row)
	}
	value, _ := cells[0].(string)
	if p, err = parse[post](value); err != nil {
		return post{}, 0, nil, err
	}
	approved, _ = cells[1].(int64)
	found, _ := cells[2].([]any)
	if len(found) != n {
		return post{}, 0, nil, fmt.Errorf("look at comments: %d for %d ids", len(found), n)
	}
	comments = make([]comment, n)
	for i := range found {
		value, _ := found[i].(string)
		if comments[i], err = parse[comment](value); err != nil {
			return post{}, 0, nil, err
		}
	}
	return p, approved, comments, nil
}

// reached reports whether the view has the post, or with a comment that comment
// of it, at version or later. A deletion is the last version of all.
func (s *store) reached(ctx context.Context, postID, commentID string, version int64) (bool, error) {
	args := []any{postID, 0}
	if commentID != "" {
		args = []any{postID, 1, commentID}
	}
	rows, err := s.lookScript.RunRO(ctx, s.bus.Redis(), []string{gensKey}, args...).Slice()
	if err != nil {
		return false, bus.Err("look at a version", err)
	}
	if len(rows) != 1 {
		return false, fmt.Errorf("look at a version: unexpected answer %v", rows)
	}
	p, _, comments, err := parseLook(rows[0], len(args)-2)
	switch {
	case err != nil:
		return false, err
	case p.Deleted:
		return true, nil
	case !p.shown():
		return false, nil
	case commentID == "":
		return p.version() >= version, nil
	}
	c := comments[0]
	return c.Deleted || c.shown() && c.version() >= version, nil
}
