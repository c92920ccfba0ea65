package comments

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

func TestRevokeToken_OldOneIsRefused(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	made := decodeAnswer[created](t, r.send(http.StatusCreated, somebody, "POST", "/posts/p/comments", `{"content":"a text"}`))
	other := decodeAnswer[created](t, r.send(http.StatusCreated, somebody, "POST", "/posts/p/comments", `{"content":"another"}`))
	path, tokens := "/comments/"+made.ID, "/comments/"+made.ID+"/edit-token"
	with := func(token string) []string { return []string{"Authorization", "Bearer " + token} }

	for _, method := range []string{"POST", "DELETE"} {
		r.send(http.StatusUnauthorized, somebody, method, tokens, "", with(made.EditToken)...)
		r.send(http.StatusNotFound, somebody, method, "/comments/unknown/edit-token", "", with(adminToken)...)
	}
	r.send(http.StatusOK, somebody, "PATCH", path, `{"content":"still mine"}`, with(made.EditToken)...)

	next := decodeAnswer[newToken](t, r.send(http.StatusCreated, somebody, "POST", tokens, "", with(adminToken)...))
	r.send(http.StatusUnauthorized, somebody, "PATCH", path, `{"content":"taken over"}`, with(made.EditToken)...)
	r.send(http.StatusUnauthorized, somebody, "GET", path, "", with(made.EditToken)...)
	r.send(http.StatusUnauthorized, somebody, "DELETE", path, "", with(made.EditToken)...)
	r.send(http.StatusOK, somebody, "PATCH", path, `{"content":"mine again"}`, with(next.EditToken)...)
	r.send(http.StatusOK, somebody, "PATCH", "/comments/"+other.ID, `{"content":"untouched"}`, with(other.EditToken)...)

	r.send(http.StatusNoContent, somebody, "DELETE", tokens, "", with(adminToken)...)
	r.send(http.StatusUnauthorized, somebody, "PATCH", path, `{"content":"no"}`, with(next.EditToken)...)
	r.send(http.StatusUnauthorized, somebody, "PATCH", path, `{"content":"no"}`, with(made.EditToken)...)
	if c, err := r.store.get(t.Context(), made.ID); err != nil || c.Content != "mine again" {
		t.Errorf("comment %+v, %v", c, err)
	}
	r.send(http.StatusNoContent, somebody, "DELETE", path, "", with(adminToken)...)
	r.send(http.StatusNotFound, somebody, "DELETE", tokens, "", with(adminToken)...)
}

// A new comment says what its author is known by under every key.
func TestCreate_SeveralAuthorKeys_EventHasAll(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	r.store.authors = newStore(r.bus, web.Keys{"an edit key of 32 bytes or more .."}, web.Keys{"newest", "older"}).authors
	made := decodeAnswer[created](t, r.send(http.StatusCreated, "192.0.2.77:1", "POST", "/posts/p/comments", `{"content":"a text"}`))
	key := func(k web.EditKey) [2]string {
		return [2]string{k.AuthorKey("192.0.2.77"), k.NetworkKey("192.0.2.0/24")}
	}
	newest, older := key(web.EditKey("newest")), key(web.EditKey("older"))

	entries := r.stream(t, stream)
	payload, err := entries[len(entries)-1].Decode()
	if err != nil {
		t.Fatal(err)
	}
	got, ok := payload.(event.Comment)
	if !ok || got.ID != made.ID {
		t.Fatalf("the last event is %+v", payload)
	}
	want := event.Comment{AuthorKey: &newest[0], AuthorKeys: older[:1], NetworkKey: &newest[1], NetworkKeys: older[1:]}
	if diff := cmp.Diff(want, event.Comment{AuthorKey: got.AuthorKey, AuthorKeys: got.AuthorKeys, NetworkKey: got.NetworkKey, NetworkKeys: got.NetworkKeys}); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	// An edit keeps them.
	r.send(http.StatusOK, "198.51.100.1:1", "PATCH", "/comments/"+made.ID, `{"content":"another"}`, "Authorization", "Bearer "+made.EditToken)
	if c, err := r.store.get(t.Context(), made.ID); err != nil || c.AuthorKey != newest[0] || !cmp.Equal(c.AuthorKeys, older[:1]) {
		t.Errorf("after an edit: %+v, %v", c, err)
	}
}

func TestConfig_TooManyAuthorKeys_IsRefused(t *testing.T) {
	t.Parallel()
	keys := ""
	for range event.MaxKeys {
		keys += authorSecret + ","
	}
	if _, err := web.Load[Config](map[string]string{"AUTHOR_KEYS": keys}); err != nil {
		t.Errorf("%d keys: %v", event.MaxKeys, err)
	}
	if _, err := web.Load[Config](map[string]string{"AUTHOR_KEYS": keys + authorSecret}); err == nil {
		t.Errorf("%d keys are accepted", event.MaxKeys+1)
	}
	if _, err := web.Load[Config](map[string]string{"AUTHOR_KEYS": "short"}); err == nil {
		t.Error("a key that can be guessed is accepted")
	}
}
