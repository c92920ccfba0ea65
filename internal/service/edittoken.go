package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// EditTokens makes and checks the edit tokens of one kind of thing, such as posts.
// A token follows from the key, the thing, and how often its tokens were revoked;
// only that number is stored, and only where it is not 0.
type EditTokens struct {
	bus    *bus.Bus
	keys   *EditKey
	kind   string
	prefix string // of the keys in Redis, before the id
}

// NewEditTokens returns the edit tokens of a kind of thing: "post" or "comment". The
// kind keeps the token of one thing from opening another of the same id. Revocations
// are kept in Redis at prefix and the id.
func NewEditTokens(b *bus.Bus, keys *EditKey, kind, prefix string) *EditTokens {
	return &EditTokens{bus: b, keys: keys, kind: kind, prefix: prefix}
}

// First returns the token that a new thing is made with.
func (t *EditTokens) First(ctx context.Context, id string) (string, error) {
	keys, err := t.keys.Get(ctx)
	if err != nil {
		return "", err
	}
	return keys.Token(t.kind, id, 0), nil
}

// Holds reports whether r brings the edit token of the thing, made with any of the
// keys and not revoked since.
func (t *EditTokens) Holds(r *http.Request, id string) (bool, error) {
	if _, brought := web.Bearer(r); !brought {
		return false, nil
	}
	keys, err := t.keys.Get(r.Context())
	if err != nil {
		return false, err
	}
	n, _, err := t.revoked(r.Context(), id)
	return err == nil && keys.Holds(r, t.kind, id, n), err
}

// Revoke makes every token of the thing void that was given out, and returns the one
// that takes their place. Nobody has that one unless the caller gives it out.
func (t *EditTokens) Revoke(ctx context.Context, id string) (string, error) {
	keys, err := t.keys.Get(ctx)
	if err != nil {
		return "", err
	}
	n, doc, err := t.revoked(ctx, id)
	for range maxTries {
		if err != nil {
			return "", err
		}
		var value []byte
		if value, err = json.Marshal(revocations{n + 1}); err != nil {
			return "", err
		}
		_, err = t.bus.Commit(ctx, bus.Change{Key: t.prefix + id, Want: doc, Doc: value})
		conflict, lost := errors.AsType[*bus.ConflictError](err)
		if err == nil {
			return keys.Token(t.kind, id, n+1), nil
		}
		if !lost {
			return "", err
		}
		doc = conflict.Now
		n, err = countRevoked(doc)
	}
	return "", fmt.Errorf("%w: the edit token of %s %s keeps changing", web.ErrConflict, t.kind, id)
}

// maxTries bounds how often a revocation is tried because another came first.
const maxTries = 20

// revocations is what is stored of a thing whose token was revoked.
type revocations struct {
	Revoked int64 `json:"revoked"`
}

// revoked returns how often the tokens of a thing were revoked.
func (t *EditTokens) revoked(ctx context.Context, id string) (int64, bus.Doc, error) {
	doc, err := t.bus.Load(ctx, t.prefix+id, "")
	if err != nil {
		return 0, doc, err
	}
	n, err := countRevoked(doc)
	return n, doc, err
}

func countRevoked(doc bus.Doc) (int64, error) {
	var r revocations
	if !doc.Exists() {
		return 0, nil
	}
	if err := json.Unmarshal(doc.JSON, &r); err != nil {
		return 0, fmt.Errorf("stored revocations: %w", err)
	}
	return r.Revoked, nil
}
