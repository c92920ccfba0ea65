package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// feed is what there is to read: so many posts, and comments on each.
type feed struct{ posts, comments int }

func postID(i int) string { return fmt.Sprintf("post-%07d", i) }

// epoch is when the first post was written; each is a millisecond younger than
// the one before.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func createdAt(i int) time.Time { return epoch.Add(time.Duration(i) * time.Millisecond) }

// postEvent is how post i was made.
func postEvent(i int) (event.Event, error) {
	return event.New(event.Posts, event.TypePostCreated, event.Post{
		ID: postID(i), Title: new("A title of a usual length"), Body: new(strings.Repeat("Some words that a post is made of. ", 10)),
		Author: new("somebody"), CreatedAt: new(createdAt(i)), Version: new(int64(1)),
	}, createdAt(i))
}

// approvedEvents are how a comment was made and approved.
func approvedEvents(post, id string) ([]event.Event, error) {
	made, err := commentEvent(post, id)
	if err != nil {
		return nil, err
	}
	verdict, err := event.New(event.Comments, event.TypeCommentUpdated, event.Comment{
		PostID: post, ID: id,
		Content: new("a comment of a usual length, which says something about its post and then some more"),
		Author:  new("somebody"), Status: new(event.Approved), CreatedAt: &made.Time, Version: new(int64(2)),
	}, made.Time)
	return []event.Event{made, verdict}, err
}

// events are all that made the feed.
func (f feed) events() (posts, comments []event.Event, err error) {
	for i := range f.posts {
		e, err := postEvent(i)
		if err != nil {
			return nil, nil, err
		}
		posts = append(posts, e)
	}
	for n := range f.comments {
		for i := range f.posts {
			two, err := approvedEvents(postID(i), fmt.Sprintf("comment-%d-%d", i, n))
			if err != nil {
				return nil, nil, err
			}
			comments = append(comments, two...)
		}
	}
	return posts, comments, nil
}

// query starts the query service on a Redis whose streams hold these events, and
// returns when it has folded them.
func (s *stage) query(ctx context.Context, posts, comments []event.Event) (*process, database, error) {
	db, err := s.redis(ctx, always)
	if err != nil {
		return nil, db, err
	}
	if err := errors.Join(appendAll(ctx, db.Client, postStream, posts), appendAll(ctx, db.Client, benchStream, comments)); err != nil {
		return nil, db, err
	}
	p, err := s.service(ctx, "query", db)
	if err != nil {
		return nil, db, err
	}
	return p, db, caughtUp(ctx, db, event.Query)
}

// caughtUp returns when a group has handled everything on the streams of posts
// and comments.
func caughtUp(ctx context.Context, db database, group string) error {
	for _, stream := range []string{postStream, benchStream} {
		for done := false; !done; {
			groups, err := db.XInfoGroups(ctx, stream).Result()
			if err != nil && err.Error() != "ERR no such key" { // the service makes it
				return err
			}
			for _, g := range groups {
				done = done || g.Name == group && g.Lag == 0 && g.Pending == 0
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
	return nil
}

// cursor leads to the page behind post i.
func cursor(i int) string { return web.Cursor{At: createdAt(i), ID: postID(i)}.String() }
