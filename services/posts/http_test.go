package posts

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// adm is the admin's token.
const adm = "a token of the admin"

// served is a rig that answers HTTP.
type served struct {
	*rig
	t      testing.TB
	router *web.Router
}

func newServed(t testing.TB) *served {
	t.Helper()
	r := &served{newRig(t), t, web.NewRouter(slog.New(slog.DiscardHandler))}
	b := r.store.bus
	r.store = newStore(b, nil)
	api{store: r.store, limits: service.NewRateLimit(b, event.Posts, web.RateLimit{Off: true}, nil), admin: web.Tokens{adm}}.routes(r.router)
	return r
}

// ask sends a request, asks for the status of the answer and decodes that into a T.
func ask[T any](r *served, status int, method, path, body string, header ...string) (v T, answered http.Header) {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	r.router.ServeHTTP(answer, req)
	if answer.Code != status {
		r.t.Fatalf("%s %s: status %d, want %d: %.500s", method, path, answer.Code, status, answer.Body)
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &v); err != nil {
		r.t.Fatalf("%s %s: %v: %.500s", method, path, err, answer.Body)
	}
	return v, answer.Header()
}

// A list goes on behind posts that are deleted while it is being read: those are
// in the index when that is read, and gone when they themselves are.
func TestAListGoesOnBehindTheDeleted(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string][]string{
		"one of a page": {"p4"}, "the last of a page": {"p3"}, "a whole page": {"p4", "p3"}, "all but the last": {"p5", "p4", "p3", "p2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newServed(t)
			var want []string
			for _, id := range []string{"p0", "p1", "p2", "p3", "p4", "p5"} {
				p := Post{ID: id, Title: id, CreatedAt: time.Now().UTC(), Version: 1}
				if _, err := r.store.create(t.Context(), p, service.Once{}); err != nil {
					t.Fatal(err)
				}
				if slices.Contains(gone, id) {
					r.client.Del(t.Context(), docKey(id))
				} else {
					want = append([]string{id}, want...)
				}
			}
			var got []string
			for next := "?limit=2"; next != ""; {
				page, header := ask[[]Post](r, http.StatusOK, "GET", "/posts"+next, "")
				for _, p := range page {
					got = append(got, p.ID)
				}
				link, _ := strings.CutPrefix(header.Get("Link"), "<")
				next, _, _ = strings.Cut(link, ">")
			}
			if !slices.Equal(got, want) {
				t.Errorf("in pages of two: %v, want %v", got, want)
			}
		})
	}
}

// What the validation lets through is not turned away for its size, however its
// characters are written.
func TestTheLongestPostFits(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	const emoji, escaped = "\U0001F600", `\ud83d\ude00`
	longest := func(character string, more int) string {
		return `{"title":"` + strings.Repeat(character, maxTitle) + `","body":"` + strings.Repeat(character, maxBody+more) +
			`","author":"` + strings.Repeat(character, maxAuthor) + `"}`
	}
	for name, character := range map[string]string{"plain": emoji, "escaped": escaped} {
		made, _ := ask[created](r, http.StatusCreated, "POST", "/posts", longest(character, 0))
		token := "Bearer " + made.EditToken
		ask[Post](r, http.StatusOK, "PATCH", "/posts/"+made.ID, `{"title":"a"}`, "Authorization", token)
		edited, _ := ask[Post](r, http.StatusOK, "PATCH", "/posts/"+made.ID, longest(character, 0), "Authorization", token)
		if edited.Body != strings.Repeat(emoji, maxBody) || edited.Version != 3 {
			t.Errorf("%s: version %d with %d bytes", name, edited.Version, len(edited.Body))
		}
		ask[any](r, http.StatusBadRequest, "POST", "/posts", longest(character, 1))
	}
	big := strings.Repeat(" ", maxRequest)
	ask[any](r, http.StatusRequestEntityTooLarge, "POST", "/posts", `{"title":"a"}`+big)
}

// send sends a request without a body and returns the status of the answer.
func (r *served) send(method, path, token string) int {
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, nil)
	req.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	r.router.ServeHTTP(answer, req)
	return answer.Code
}
