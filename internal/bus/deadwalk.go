package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// deadPage is how many letters are read at once: each can be large.
const deadPage = 20

// WalkDead yields the dead letters of one group that were given up at since or
// later, in milliseconds since 1970. Their order is that time and, within a
// millisecond, their names (stream/id). Letters that come or go meanwhile
// disturb no other. It breaks off at the first error.
func (b *Bus) WalkDead(ctx context.Context, group string, since int64) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		w := deadWalk{b: b, group: group, ms: since}
		for {
			letters, more, err := w.page(ctx)
			if err != nil {
				yield(DeadLetter{}, err)
				return
			}
			for _, letter := range letters {
				if !yield(letter, nil) {
					return
				}
			}
			if !more {
				return
			}
		}
	}
}

// deadWalk is a place among the letters of a group: behind the one of that name
// in that millisecond.
type deadWalk struct {
	b     *Bus
	group string
	ms    int64
	name  string
}

// page returns the next letters, and whether there may be more.
func (w *deadWalk) page(ctx context.Context) (letters []DeadLetter, more bool, err error) {
	var names []string
	ms, name := w.ms, w.name
	for offset := int64(0); len(names) == 0; offset += deadPage {
		found, err := w.b.client.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
			Key: deadOrderKey(w.group), ByScore: true, Start: strconv.FormatInt(ms, 10), Stop: "+inf", Offset: offset, Count: deadPage,
		}).Result()
		if err != nil {
			return nil, false, Err("list dead letters", err)
		}
		if len(found) == 0 {
			return nil, false, nil
		}
		for _, z := range found {
			member, _ := z.Member.(string)
			if at := int64(z.Score); at > ms || member > name {
				names = append(names, member)
				w.ms, w.name = at, member
			}
		}
	}
	letters, err = w.b.lettersOf(ctx, w.group, names)
	return letters, true, err
}

// lettersOf returns the letters of those names that are still there.
func (b *Bus) lettersOf(ctx context.Context, group string, names []string) ([]DeadLetter, error) {
	values, err := b.client.HMGet(ctx, deadKey(group), names...).Result()
	if err != nil {
		return nil, Err("list dead letters", err)
	}
	letters := make([]DeadLetter, 0, len(values))
	for i, v := range values {
		s, ok := v.(string)
		if !ok {
			continue // redriven between the two commands
		}
		var letter DeadLetter
		if err := json.Unmarshal([]byte(s), &letter); err != nil {
			return nil, fmt.Errorf("dead letter %s: %w", names[i], err)
		}
		letters = append(letters, letter)
	}
	return letters, nil
}
