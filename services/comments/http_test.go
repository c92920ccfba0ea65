package comments

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// authorSecret makes the keys of authors.
const authorSecret = "a secret of 32 bytes for authors."

const adminToken = "token of the admin"

// served is a rig that answers HTTP and knows of the post p.
type served struct {
	*rig
	t      testing.TB
	router *web.Router
}

func newServed(t testing.TB) *served {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	r := &served{newRig(t), t, web.NewRouter(log)}
	r.store = newStore(r.bus, nil, web.Keys{authorSecret})
	api{
		store: r.store, limits: service.NewRateLimit(r.bus, event.Comments, web.RateLimit{Off: true}, nil), admin: web.Tokens{adminToken},
		streams: web.NewStreams(log, web.StreamOptions{}), watchers: newWatchers(),
	}.routes(r.router)
	if err := r.store.postSeen(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
	return r
}

// send sends a request of the client at an address, and asks for the status of the
// answer.
func (r *served) send(status int, from, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, strings.NewReader(body))
	req.RemoteAddr = from
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
	return answer
}

// decodeAnswer reads the body of an answer.
func decodeAnswer[T any](t testing.TB, answer *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(answer.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %.500s", err, answer.Body)
	}
	return v
}

const somebody = "192.0.2.1:1"

// add stores comments c0, c1 … on the post p.
func (r *served) add(n int) {
	r.t.Helper()
	for i := range n {
		c := Comment{ID: fmt.Sprintf("c%d", i), PostID: "p", Content: "a text", Status: event.Pending, CreatedAt: time.Now().UTC(), Version: 1, Text: 1}
		if _, err := r.store.create(r.t.Context(), c, service.Once{}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// delete deletes a comment as its author does.
func (r *served) delete(id string) {
	r.t.Helper()
	_, err := r.store.change(r.t.Context(), id, event.TypeCommentDeleted, nil, func(c Comment) (Comment, bool, error) {
		return c.deleted(), true, nil
	})
	if err != nil {
		r.t.Error(err)
	}
}

// afterWalk runs f between the reading of an index and that of the documents, the
// first time.
type afterWalk struct {
	once sync.Once
	f    func()
}

func (h *afterWalk) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *afterWalk) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "zrange" {
			h.once.Do(h.f)
		}
		return err
	}
}

func (h *afterWalk) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// A list goes on behind comments that are deleted while it is being read.
func TestAListGoesOnBehindTheDeleted(t *testing.T) {
	t.Parallel()
	for path, walked := range map[string][]string{"/comments/all": {"c4", "c3", "c2"}, "/posts/p/comments": {"c0", "c1", "c2"}} {
		for gone := range len(walked) {
			t.Run(fmt.Sprint(path, " without ", gone+1), func(t *testing.T) {
				t.Parallel()
				r := newServed(t)
				r.add(5)
				r.client.AddHook(&afterWalk{f: func() {
					for _, id := range walked[:gone+1] {
						r.delete(id)
					}
				}})
				var got []string
				for next := "?limit=2"; next != ""; {
					answer := r.send(http.StatusOK, somebody, "GET", path+next, "")
					for _, c := range decodeAnswer[[]view](t, answer) {
						got = append(got, c.ID)
					}
					link, _ := strings.CutPrefix(answer.Header().Get("Link"), "<")
					next, _, _ = strings.Cut(link, ">")
				}
				slices.Sort(got)
				want := slices.DeleteFunc([]string{"c0", "c1", "c2", "c3", "c4"}, func(id string) bool {
					return slices.Contains(walked[:gone+1], id)
				})
				if !slices.Equal(got, want) {
					t.Errorf("in pages of two: %v, want %v", got, want)
				}
			})
		}
	}
}

// Nothing stays of a deleted post, though the authors of a whole chunk delete their
// comments just then.
func TestADeletedPostTakesAllItsComments(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	r.add(chunk + 1)
	r.client.AddHook(&afterWalk{f: func() {
		for i := range chunk {
			r.delete(fmt.Sprintf("c%d", i))
		}
	}})
	e, err := event.New(event.Posts, event.TypePostDeleted, event.PostDeleted{ID: "p"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.consumer.dropPost(t.Context(), bus.Entry{Stream: event.Stream(event.Posts), Event: e}, "p"); err != nil {
		t.Fatal(err)
	}
	if left := r.client.ZRange(t.Context(), ofKey("p"), 0, -1).Val(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The public and the author's form of a comment are told apart by their tags, so
// that nobody keeps the one when they ask for the other.
func TestEachFormOfACommentHasItsTag(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	made := decodeAnswer[created](t, r.send(http.StatusCreated, somebody, "POST", "/posts/p/comments", `{"content":"a text"}`))
	path := "/comments/" + made.ID
	own := []string{"Authorization", "Bearer " + made.EditToken}
	public := r.send(http.StatusOK, somebody, "GET", path, "").Header().Get("Etag")
	private := r.send(http.StatusOK, somebody, "GET", path, "", own...).Header().Get("Etag")
	if private != `"1"` {
		t.Errorf("the author's tag is %s, which If-Match does not take", private)
	}
	r.send(http.StatusNotModified, somebody, "GET", path, "", "If-None-Match", public)
	r.send(http.StatusNotModified, somebody, "GET", path, "", append(own, "If-None-Match", private)...)
	if v := decodeAnswer[view](t, r.send(http.StatusOK, somebody, "GET", path, "", append(own, "If-None-Match", public)...)); v.Content != "a text" {
		t.Errorf("the author sees %+v", v)
	}
	if v := decodeAnswer[view](t, r.send(http.StatusOK, somebody, "GET", path, "", "If-None-Match", private)); v.Content != "" {
		t.Errorf("everybody sees %+v", v)
	}
	// The public tag says when what everybody sees has changed.
	r.send(http.StatusOK, somebody, "PATCH", path, `{"content":"another"}`, append(own, "If-Match", private)...)
	r.send(http.StatusOK, somebody, "GET", path, "", "If-None-Match", public)
}

// Who moves about in a network of IPv6 stays one author.
func TestTheAuthorIsANetwork(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	key := web.EditKey(authorSecret)
	for from, want := range map[string]string{
		"192.0.2.1:1": "192.0.2.1", "[2001:db8::1]:1": "2001:db8::/64", "[2001:db8::ffff:2]:1": "2001:db8::/64", "[2001:db8:0:1::1]:1": "2001:db8:0:1::/64",
	} {
		made := decodeAnswer[created](t, r.send(http.StatusCreated, from, "POST", "/posts/p/comments", `{"content":"a text"}`))
		if c, err := r.store.get(t.Context(), made.ID); err != nil || c.AuthorKey != key.AuthorKey(want) {
			t.Errorf("from %s: the author is not that of %s (%v)", from, want, err)
		}
	}
}
