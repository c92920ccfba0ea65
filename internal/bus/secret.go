package bus

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/redis/go-redis/v9"
)

// secretBytes is the length of a key for HMAC-SHA256.
const secretBytes = 32

// Secret returns the random secret at key, and makes it if there is none. All
// replicas get the same.
func (b *Bus) Secret(ctx context.Context, key string) ([]byte, error) {
	fresh := make([]byte, secretBytes)
	if _, err := rand.Read(fresh); err != nil {
		return nil, err
	}
	before, err := b.Do(ctx, "SET", key, fresh, "NX", "GET").Text()
	switch {
	case errors.Is(err, redis.Nil):
		return fresh, nil
	case err != nil:
		return nil, Err("secret "+key, err)
	default:
		return []byte(before), nil
	}
}
