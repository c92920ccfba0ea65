package posts

import (
	"net/http"
	"testing"

	"newsfeed/internal/web"
)

func TestRevokeToken_OldOneIsRefused(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	made, _ := ask[created](r, http.StatusCreated, "POST", "/posts", `{"title":"A post"}`)
	path, tokens := "/posts/"+made.ID, "/posts/"+made.ID+"/edit-token"
	patch := func(status int, token string) {
		t.Helper()
		ask[any](r, status, "PATCH", path, `{"title":"by `+token[:3]+`"}`, "Authorization", "Bearer "+token)
	}
	for _, method := range []string{"POST", "DELETE"} {
		ask[web.Problem](r, http.StatusUnauthorized, method, tokens, "", "Authorization", "Bearer "+made.EditToken)
		ask[web.Problem](r, http.StatusNotFound, method, "/posts/unknown/edit-token", "", "Authorization", "Bearer "+adm)
	}
	patch(http.StatusOK, made.EditToken)
	version := r.load(t, made.ID).Version
	next, header := ask[newToken](r, http.StatusCreated, "POST", tokens, "", "Authorization", "Bearer "+adm)
	if next.EditToken == made.EditToken || header.Get("Cache-Control") != "no-store" {
		t.Errorf("answer %+v, Cache-Control %q", next, header.Get("Cache-Control"))
	}
	if got := r.load(t, made.ID).Version; got != version {
		t.Errorf("the revocation made version %d", got)
	}
	patch(http.StatusUnauthorized, made.EditToken)
	patch(http.StatusOK, next.EditToken)
	for range 2 {
		if err := r.send("DELETE", tokens, adm); err != http.StatusNoContent {
			t.Fatalf("status %d", err)
		}
	}
	patch(http.StatusUnauthorized, next.EditToken)
	patch(http.StatusUnauthorized, made.EditToken)
	if n := len(r.stream(t)); n != 3 {
		t.Errorf("%d events, want those of one creation and two edits", n)
	}
}
