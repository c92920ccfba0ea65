package service_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

func newBus(t *testing.T) *bus.Bus {
	t.Helper()
	b := bus.New(t.Context(), bustest.Start(t).Client(), bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(b.Close)
	return b
}

func bearing(token string) *http.Request {
	r := httptest.NewRequest(http.MethodPatch, "/", nil)
	r.RemoteAddr = "192.0.2.7:1"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// A token stays valid for as long as its key is listed, and one that was handed out
// before there were lists and revocations is valid as it is.
func TestEditTokens_KeyChanged_OldOnesStayValid(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	tokens := func(keys ...web.Secret) *service.EditTokens {
		return service.NewEditTokens(b, service.NewEditKey(b, "{posts}:key", keys), "post", "{posts}:token:")
	}
	old := web.EditKey("old key").Token("post", "7")
	for _, tt := range []struct {
		name string
		keys []web.Secret
		want bool
	}{
		{"its key alone", []web.Secret{"old key"}, true},
		{"its key second", []web.Secret{"new key", "old key"}, true},
		{"another key", []web.Secret{"new key"}, false},
		{"the key in Redis", nil, false},
	} {
		if got, err := tokens(tt.keys...).Holds(bearing(old), "7"); err != nil || got != tt.want {
			t.Errorf("%s: %t, %v; want %t", tt.name, got, err, tt.want)
		}
	}
	if got, err := tokens("new key", "old key").First(t.Context(), "7"); err != nil || got != web.EditKey("new key").Token("post", "7") {
		t.Errorf("a new token is not of the first key: %v", err)
	}
	if _, err := tokens("new key", "old key").Revoke(t.Context(), "7"); err != nil {
		t.Fatal(err)
	}
	if got, err := tokens("new key", "old key").Holds(bearing(old), "7"); err != nil || got {
		t.Errorf("revoked: %t, %v", got, err)
	}
	// The token of a revision is that of no other thing.
	if got, err := tokens("old key").Holds(bearing(web.EditKey("old key").Token("post", "7:1")), "7"); err != nil || got {
		t.Errorf("the token of another id: %t, %v", got, err)
	}
}

func TestEditTokens_RevokedAtOnce_OneTokenIsLeft(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	tokens := service.NewEditTokens(b, service.NewEditKey(b, "{posts}:key", nil), "post", "{posts}:token:")
	given := make([]string, 8)
	var running sync.WaitGroup
	for i := range given {
		running.Go(func() {
			var err error
			if given[i], err = tokens.Revoke(t.Context(), "7"); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	valid := 0
	for _, token := range given {
		holds, err := tokens.Holds(bearing(token), "7")
		if err != nil {
			t.Fatal(err)
		}
		if holds {
			valid++
		}
	}
	if valid != 1 {
		t.Errorf("%d of the tokens are valid, want 1", valid)
	}
}

func TestAuthorKeys(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	kept, err := b.Secret(t.Context(), "{comments}:key")
	if err != nil {
		t.Fatal(err)
	}
	names := func(keys ...web.EditKey) service.Names {
		n := service.Names{Author: keys[0].AuthorKey("192.0.2.7"), Network: keys[0].NetworkKey("192.0.2.0/24")}
		for _, key := range keys[1:] {
			n.Authors, n.Networks = append(n.Authors, key.AuthorKey("192.0.2.7")), append(n.Networks, key.NetworkKey("192.0.2.0/24"))
		}
		return n
	}
	e1, e2, a1, a2 := web.EditKey("e1"), web.EditKey("e2"), web.EditKey("a1"), web.EditKey("a2")
	for _, tt := range []struct {
		name         string
		edit, author web.Keys
		want         service.Names
	}{
		{"nothing configured, as before", nil, nil, names(web.EditKey(kept))},
		{"EDIT_KEY alone, as before", web.Keys{"e1"}, nil, names(e1)},
		{"several of EDIT_KEY", web.Keys{"e1", "e2"}, nil, names(e1, e2)},
		{"AUTHOR_KEYS beside EDIT_KEY", web.Keys{"e1"}, web.Keys{"a1", "a2"}, names(a1, a2)},
		{"AUTHOR_KEYS that go on from EDIT_KEY", web.Keys{"e1"}, web.Keys{"a1", "e1"}, names(a1, e1)},
		{"AUTHOR_KEYS that go on from the key in Redis", nil, web.Keys{"a1"}, names(a1, web.EditKey(kept))},
	} {
		got, err := service.NewAuthorKeys(service.NewEditKey(b, "{comments}:key", tt.edit), tt.author).Of(bearing(""))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
