package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Load reads the document at key, or the one in that field of the hash at key
// if field is not empty. A document that does not exist is the zero Doc.
func (b *Bus) Load(ctx context.Context, key, field string) (Doc, error) {
	var value string
	var err error
	if field == "" {
		value, err = b.client.Get(ctx, key).Result()
	} else {
		value, err = b.client.HGet(ctx, key, field).Result()
	}
	if errors.Is(err, redis.Nil) {
		return Doc{}, nil
	}
	if err != nil {
		return Doc{}, Err("load "+key, err)
	}
	return ParseDoc(value), nil
}

// LoadAll reads the documents at keys, which must lie in one slot, in one
// round trip. Those that do not exist are zero.
func (b *Bus) LoadAll(ctx context.Context, keys ...string) ([]Doc, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	values, err := b.client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, Err("load", err)
	}
	docs := make([]Doc, len(values))
	for i, v := range values {
		s, _ := v.(string)
		docs[i] = ParseDoc(s)
	}
	return docs, nil
}

// timeKeyLayout has a fixed width, so that the order of bytes is that of time.
const timeKeyLayout = "2006-01-02T15:04:05.000000000Z"

// TimeKey returns a member for a sorted set that sorts by at (years 1 to 9999)
// and then by id.
func TimeKey(at time.Time, id string) string {
	return at.UTC().Format(timeKeyLayout) + " " + id
}

// Member is what [TimeKey] makes a member of a sorted set from.
type Member struct {
	At time.Time
	ID string
}

// Walk returns the ids of up to n members that [TimeKey] made in the sorted set
// at key: the oldest first, or with newest the newest first. after is the member
// to go on from, which is left out; the zero Member stands for the beginning. last
// is that of the last id if there are more behind it, else zero.
//
// What the ids are of can be gone by the time it is read. Whether there is more is
// therefore what last says, and not how much was found.
func (b *Bus) Walk(ctx context.Context, key string, newest bool, after Member, n int) (ids []string, last Member, err error) {
	args := redis.ZRangeArgs{Key: key, ByLex: true, Start: "-", Stop: "+", Rev: newest, Count: int64(n) + 1}
	if newest {
		args.Start, args.Stop = "+", "-"
	}
	if after != (Member{}) {
		args.Start = "(" + TimeKey(after.At, after.ID)
	}
	members, err := b.client.ZRangeArgs(ctx, args).Result()
	if err != nil {
		return nil, last, Err("walk "+key, err)
	}
	if len(members) > n {
		members = members[:n]
		at, id, _ := strings.Cut(members[n-1], " ")
		if last.At, err = time.Parse(timeKeyLayout, at); err != nil {
			return nil, last, fmt.Errorf("%s has a member %q", key, members[n-1])
		}
		last.ID = id
	}
	for i, m := range members {
		_, members[i], _ = strings.Cut(m, " ")
	}
	return members, last, nil
}
