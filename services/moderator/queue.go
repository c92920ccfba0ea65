package moderator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// claimTime is how long a held comment is taken by one person.
const claimTime = 2 * time.Minute

// held is a comment in the queue, as a person sees it.
type held struct {
	ID        string    `json:"id"`
	PostID    string    `json:"postId"`
	PostTitle string    `json:"postTitle"`
	Content   string    `json:"content"`
	Author    string    `json:"author"`
	Version   int64     `json:"version,omitempty"`
	Entry     bus.ID    `json:"entry"`
	Rule      string    `json:"rule"`
	Reason    string    `json:"reason"`
	Note      string    `json:"note,omitempty"`
	Since     time.Time `json:"since"`
	// AuthorKey and NetworkKey name the author and their network in rules; absent if
	// nothing tells them from others. Block is the block that holds the comment.
	AuthorKey  string `json:"authorKey,omitempty"`
	NetworkKey string `json:"networkKey,omitempty"`
	Block      string `json:"block,omitempty"`
	// History is absent if nothing tells the author from another.
	History *history `json:"history,omitempty"`
	Claim   *claim   `json:"claim,omitempty"`
}

// claim says who works on a held comment, and until when if they do not renew it.
type claim struct {
	By    string    `json:"by"`
	Until time.Time `json:"until"`
}

// queue returns a page of held comments, the one that waits longest first, and the
// cursor of the next one if there is one.
func (s *store) queue(ctx context.Context, page web.Page) (list []held, next web.Cursor, err error) {
	ids, last, err := s.bus.Walk(ctx, queueKey, false, bus.Member(page.After), page.Limit)
	if err != nil {
		return nil, next, err
	}
	comments, err := s.loadAll(ctx, ids)
	if err != nil {
		return nil, next, err
	}
	// One that was decided between the two reads is gone from the queue.
	comments = slices.DeleteFunc(comments, func(d decision) bool { return d.Held.IsZero() })
	list, err = s.shown(ctx, comments)
	return list, web.Cursor(last), err
}

// shown returns held comments as a person sees them.
func (s *store) shown(ctx context.Context, comments []decision) ([]held, error) {
	posts := make([]string, len(comments))
	for i, d := range comments {
		posts[i] = d.PostID
	}
	titles, err := s.titles(ctx, posts)
	if err != nil {
		return nil, err
	}
	histories, err := s.histories(ctx, comments)
	if err != nil {
		return nil, err
	}
	claims, err := s.claims(ctx, comments)
	if err != nil {
		return nil, err
	}
	list := make([]held, len(comments))
	for i, d := range comments {
		list[i] = held{
			ID: d.ID, PostID: d.PostID, PostTitle: titles[i], Content: d.Content, Author: d.Author, Version: d.Version,
			Entry: d.Entry, Rule: d.Rule, Reason: d.Reason, Note: d.Note, Since: d.Held, History: histories[i], Claim: claims[i],
			AuthorKey: d.AuthorKey, NetworkKey: d.NetworkKey, Block: d.Block,
		}
	}
	return list, nil
}

// claims returns who works on the comments, nil where nobody does.
func (s *store) claims(ctx context.Context, comments []decision) ([]*claim, error) {
	all := make([]*claim, len(comments))
	who, left := make([]*redis.StringCmd, len(comments)), make([]*redis.DurationCmd, len(comments))
	_, err := s.bus.Redis().Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, d := range comments {
			who[i], left[i] = p.Get(ctx, claimKey(d.ID)), p.PTTL(ctx, claimKey(d.ID))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && len(comments) > 0 {
		return nil, bus.Err("claims", err)
	}
	for i := range comments {
		if who[i].Err() == nil && left[i].Val() > 0 {
			all[i] = &claim{By: who[i].Val(), Until: time.Now().Add(left[i].Val()).UTC()}
		}
	}
	return all, nil
}

// claimed returns who works on a comment, nil if nobody does.
func (s *store) claimed(ctx context.Context, comment string) (*claim, error) {
	all, err := s.claims(ctx, []decision{{ID: comment}})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// take lets who work on a held comment, for claimTime from now on; again, if they
// do already. Where somebody else does it is web.ErrConflict.
func (s *store) take(ctx context.Context, comment, who string) (claim, error) {
	d, _, err := s.load(ctx, comment)
	if err != nil {
		return claim{}, err
	}
	if d.Held.IsZero() {
		return claim{}, fmt.Errorf("%w: comment %s is not in the queue", web.ErrNotFound, comment)
	}
	has, err := s.bus.Run(ctx, s.own, []string{claimKey(comment)}, "take", who, claimTime.Milliseconds()).Text()
	if err != nil {
		return claim{}, bus.Err("claim", err)
	}
	if has != who {
		return claim{}, takenBy(has)
	}
	return claim{By: who, Until: time.Now().Add(claimTime).UTC()}, nil
}

func takenBy(who string) error {
	return fmt.Errorf("%w: %s works on this comment", web.ErrConflict, who)
}

// release ends the claim of who on a comment, if there is one.
func (s *store) release(ctx context.Context, comment, who string) error {
	return bus.Err("release", s.bus.Run(ctx, s.own, []string{claimKey(comment)}, "release", who, 0).Err())
}

// summary is the state of the queue.
type summary struct {
	Held int64 `json:"held"`
	// Oldest waits longest, since Since; both are absent if none is held.
	Oldest string    `json:"oldest,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// waiting returns the state of the queue.
func (s *store) waiting(ctx context.Context) (summary, error) {
	p := s.bus.Redis().Pipeline()
	n, first := p.ZCard(ctx, queueKey), p.ZRange(ctx, queueKey, 0, 0)
	if _, err := p.Exec(ctx); err != nil {
		return summary{}, bus.Err("the queue", err)
	}
	sum := summary{Held: n.Val()}
	for _, member := range first.Val() {
		at, id, _ := strings.Cut(member, " ")
		since, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			return sum, fmt.Errorf("the queue has a member %q", member)
		}
		sum.Oldest, sum.Since = id, since
	}
	return sum, nil
}
