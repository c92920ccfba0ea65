package service

import (
	"context"
	"net/http"
	"slices"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// AuthorKeys name the authors behind clients, and their networks, without giving an
// address away. The keys are those of AUTHOR_KEYS. Without AUTHOR_KEYS they are
// those that make the edit tokens, as they always were; and a key that is kept in
// Redis, because EDIT_KEY is not configured, stays the oldest one.
type AuthorKeys struct {
	edit       *EditKey
	configured web.EditKeys
}

// NewAuthorKeys returns the AuthorKeys that are configured, or if there are none
// those of edit.
func NewAuthorKeys(edit *EditKey, configured web.Keys) *AuthorKeys {
	return &AuthorKeys{edit: edit, configured: editKeys(configured)}
}

// Names are what an author and their network are known by: the values under the
// newest key, and those under the older ones.
type Names struct {
	Author, Network   string
	Authors, Networks []string
}

// Of returns the names of the client of a request.
func (k *AuthorKeys) Of(r *http.Request) (Names, error) {
	keys, err := k.keys(r.Context())
	if err != nil {
		return Names{}, err
	}
	client, network := web.ClientNet(r), web.ClientNetwork(r)
	var n Names
	for i, key := range keys[:min(len(keys), event.MaxKeys+1)] {
		if i == 0 {
			n.Author, n.Network = key.AuthorKey(client), key.NetworkKey(network)
			continue
		}
		n.Authors, n.Networks = append(n.Authors, key.AuthorKey(client)), append(n.Networks, key.NetworkKey(network))
	}
	return n, nil
}

func (k *AuthorKeys) keys(ctx context.Context) (web.EditKeys, error) {
	if len(k.configured) > 0 && k.edit.configured {
		return k.configured, nil
	}
	kept, err := k.edit.Get(ctx)
	return slices.Concat(k.configured, kept), err
}
