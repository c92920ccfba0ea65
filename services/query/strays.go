package query

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
)

// suspectStrays looks for what stands in the feed where it should not, and for
// posts of which no event tells.
func (c *verifier) suspectStrays(ctx context.Context) error {
	refold := map[string]bool{}
	stray := func(id string) {
		if _, suspected := c.suspects[id]; suspected {
			return
		}
		if _, known := c.places[id]; known {
			refold[id] = true
			return
		}
		c.suspect(id, &expected{comments: map[string]comment{}})
	}
	err := c.walkFeed(ctx, func(id, member string) {
		if c.places[id] != member {
			stray(id)
		}
	})
	if err != nil && !unreadable(err) {
		return err
	}
	if err != nil {
		c.unread = []Difference{{What: "the feed " + cannotRead(c.view.feed(), err)}}
	}
	prefix := c.view.prefix()
	err = c.store.scan(ctx, prefix, func(keys []string) error {
		for _, key := range keys {
			if _, id, ok := strings.Cut(strings.TrimPrefix(key, prefix), ":"); ok {
				if _, known := c.places[id]; !known {
					stray(id)
				}
			}
		}
		return nil
	})
	if err != nil || len(refold) == 0 {
		return err
	}
	x := expectations{}
	err = c.store.history(ctx, nil, c.upTo, func(events []told) error {
		for _, t := range events {
			if refold[t.about().post] {
				x.apply(t)
			}
		}
		return nil
	})
	for id, e := range x {
		c.suspect(id, e)
	}
	return err
}

// misplaced says of a member of the feed that it should not be there.
func misplaced(member string) string {
	if strings.Contains(member, " ") {
		return "should not be where it is in the feed"
	}
	return "should not be in the feed: it is the place of no post"
}

// walkFeed calls each with every member of the feed, and the post that it is of.
func (c *verifier) walkFeed(ctx context.Context, each func(id, member string)) error {
	const chunk = 1_000
	for after := "-"; ; {
		members, err := c.store.bus.Redis().ZRangeArgs(ctx, redis.ZRangeArgs{
			Key: c.view.feed(), ByLex: true, Start: after, Stop: "+", Count: chunk,
		}).Result()
		if err != nil {
			return bus.Err("walk the feed", err)
		}
		for _, m := range members {
			_, id, ok := strings.Cut(m, " ")
			if !ok || id == "" {
				id = m // of no post, but it needs a name
			}
			each(id, m)
		}
		if len(members) < chunk {
			return nil
		}
		after = "(" + members[chunk-1]
	}
}
