package service

import (
	"context"
	"sync"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// EditKey finds the keys that make edit tokens: those that are configured, or a
// random one that all replicas of a service share through Redis.
type EditKey struct {
	bus        *bus.Bus
	redisKey   string
	configured bool

	mu   sync.Mutex
	keys web.EditKeys
}

// NewEditKey returns the EditKey that is configured, or if that is empty the one
// kept at redisKey.
func NewEditKey(b *bus.Bus, redisKey string, configured web.Keys) *EditKey {
	return &EditKey{bus: b, redisKey: redisKey, configured: len(configured) > 0, keys: editKeys(configured)}
}

func editKeys(configured web.Keys) web.EditKeys {
	var keys web.EditKeys
	for _, key := range configured {
		keys = append(keys, web.EditKey(key))
	}
	return keys
}

// Get returns the keys, of which the first one makes tokens; the first call may ask
// Redis for it.
func (k *EditKey) Get(ctx context.Context) (web.EditKeys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) == 0 {
		key, err := k.bus.Secret(ctx, k.redisKey)
		if err != nil {
			return nil, err
		}
		k.keys = web.EditKeys{key}
	}
	return k.keys, nil
}
