package service

import (
	"context"
	"fmt"
	"sync"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// minEditKey is the least length of a configured key in bytes: who guesses it can
// make every token. It is what RFC 2104, section 3, asks of a key for HMAC-SHA256.
const minEditKey = 32

// CheckEditKey refuses a configured key that can be guessed. None is all right.
func CheckEditKey(key web.Secret) error {
	if key != "" && len(key) < minEditKey {
		return &web.ConfigError{Variable: "EDIT_KEY", Err: fmt.Errorf("must have %d bytes or more", minEditKey)}
	}
	return nil
}

// EditKey finds the key that makes edit tokens: the one that is configured, or
// a random one that all replicas of a service share through Redis.
type EditKey struct {
	bus      *bus.Bus
	redisKey string

	mu  sync.Mutex
	key web.EditKey
}

// NewEditKey returns the EditKey that is configured, or if that is empty the one
// kept at redisKey.
func NewEditKey(b *bus.Bus, redisKey string, configured web.Secret) *EditKey {
	return &EditKey{bus: b, redisKey: redisKey, key: web.EditKey(configured)}
}

// Get returns the key; the first call may ask Redis for it.
func (k *EditKey) Get(ctx context.Context) (web.EditKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.key) == 0 {
		key, err := k.bus.Secret(ctx, k.redisKey)
		if err != nil {
			return nil, err
		}
		k.key = key
	}
	return k.key, nil
}
