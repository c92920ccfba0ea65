package posts

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/service"
	"newsfeed/internal/web"
)

// rig is what the service does with events, on a Redis of its own: a test hands out
// the entries itself, in an order of its own.
type rig struct {
	client *redis.Client
	store  *store
}

// fataler is a test, or one run of a property.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func newRig(t testing.TB) *rig {
	t.Helper()
	client := bustest.Start(t, "--appendonly", "no").Client()
	b := bus.New(context.Background(), client, bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(b.Close)
	return &rig{client: client, store: &store{bus: b}}
}

// append writes an entry as any program can and returns it as it is handed out.
func (r *rig) append(t fataler, source, typ, data string) bus.Entry {
	t.Helper()
	values := []string{"type", typ, "data", data, "source", source, "time", "2001-01-01T00:00:00Z"}
	if err := r.client.XAdd(context.Background(), &redis.XAddArgs{Stream: stream, Values: values}).Err(); err != nil {
		t.Fatal(err)
	}
	all := r.stream(t)
	return all[len(all)-1]
}

func (r *rig) stream(t fataler) []bus.Entry {
	t.Helper()
	all, err := r.store.bus.Range(context.Background(), stream, bus.ID{}, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *rig) handle(t fataler, entries ...bus.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := r.store.handle(context.Background(), e); err != nil {
			t.Fatal(e.Event.Type, string(e.Event.Data), err)
		}
	}
}

// write makes post p as the service does for HTTP.
func (r *rig) write(t fataler) {
	t.Helper()
	p := written()
	p.Version = 1
	if _, err := r.store.create(context.Background(), p, service.Once{}); err != nil {
		t.Fatal(err)
	}
}

// patch changes the title as PATCH does.
func (r *rig) patch(t fataler, id, title string) {
	t.Helper()
	_, err := r.store.change(context.Background(), id, event.TypePostUpdated, func(p Post) (Post, bool, error) {
		next, changed := p.edited(edit{Title: &title})
		return next, changed, nil
	})
	if err != nil && !strings.Contains(err.Error(), "not found") {
		t.Fatal(err)
	}
}

func (r *rig) load(t fataler, id string) Post {
	t.Helper()
	p, _, err := r.store.load(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// listed returns the members of the index.
func (r *rig) listed(t fataler) []string {
	t.Helper()
	found, err := r.client.ZRange(context.Background(), ids, 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A deletion holds though the post has been changed since it was written.
func TestAForeignDeletionIsFinal(t *testing.T) {
	r := newRig(t)
	r.write(t)
	deletion := r.append(t, "somebody", event.TypePostDeleted, `{"id":"p"}`)
	r.patch(t, "p", "another title")
	r.handle(t, deletion, deletion)
	if p := r.load(t, "p"); !p.Deleted || p.Version != 3 || p.Title != "" {
		t.Errorf("got %+v, want a tombstone of version 3", p)
	}
	if got := r.listed(t); len(got) > 0 {
		t.Errorf("is listed still: %q", got)
	}
}

// What has strayed here is of no effect, whoever it says it is from.
func TestStraysAreIgnored(t *testing.T) {
	r := newRig(t)
	for _, source := range []string{"somebody", event.Comments, event.Posts} {
		e := r.append(t, source, event.TypeCommentDeleted, `{"postId":"p","id":"c"}`)
		if err := r.store.handle(t.Context(), e); err == nil || !strings.Contains(err.Error(), e.Event.Type+" on "+stream) {
			t.Errorf("from %s: %v, want it ignored", source, err)
		}
	}
}

// Where no event says when a post was created, it is when its entry was written, and
// that the service keeps this in mind is nobody's business.
func TestAForeignPostIsShown(t *testing.T) {
	r := newRig(t)
	e := r.append(t, "somebody", event.TypePostCreated, `{"id":"q","title":"theirs"}`)
	r.handle(t, e)
	router := web.NewRouter(slog.New(slog.DiscardHandler))
	router.Handle("GET", "/posts", api{store: r.store}.list)
	router.Handle("GET", "/posts/{id}", api{store: r.store}.get)
	want := map[string]any{
		"id": "q", "title": "theirs", "body": "", "author": "", "version": 1., "createdAt": e.ID.Time().Format(time.RFC3339Nano),
	}
	for _, path := range []string{"/posts/q", "/posts"} {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		var got map[string]any
		if err := json.Unmarshal([]byte(strings.Trim(strings.TrimSpace(answer.Body.String()), "[]")), &got); err != nil {
			t.Fatalf("%s: %v: %s", path, err, answer.Body)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

// seen is a post as a reader of the stream knows it, or as the owner does.
type seen struct {
	Title, Author string
	Created       time.Time
	Gone          bool
}

// told is what the stream says of a post, in the words of docs/events.md: the latest
// entry holds, the time of creation is the smallest, and deletion is final.
func told(entries []bus.Entry, id string) seen {
	var s seen
	var created event.Creation
	for _, e := range entries {
		payload, err := e.Decode()
		if err != nil || payload.PostKey() != id {
			continue
		}
		switch in := payload.(type) {
		case event.PostDeleted:
			return seen{Gone: true}
		case event.Post:
			set(&s.Title, in.Title)
			set(&s.Author, in.Author)
			created.See(in.CreatedAt, e.ID.Time())
			s.Created = created.At
		}
	}
	return s
}

// However what others write and what authors do fall together, and in whatever order
// and however often the owner hears of it: in the end it holds what a reader of its
// stream does.
func TestTheOwnerAgreesWithItsReaders(t *testing.T) {
	r := newRig(t)
	rapid.Check(t, func(rt *rapid.T) {
		if err := r.client.FlushDB(context.Background()).Err(); err != nil {
			rt.Fatal(err)
		}
		r.write(rt)
		var waiting []bus.Entry
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			id := rapid.SampledFrom([]string{"p", "q"}).Draw(rt, "id")
			title := "title " + string(rune('a'+rapid.IntRange(0, 3).Draw(rt, "title")))
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0:
				waiting = append(waiting, r.append(rt, "somebody", event.TypePostUpdated, `{"id":"`+id+`","author":"eve","title":"`+title+`"}`))
			case 1:
				at := rapid.SampledFrom([]string{"2025-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2999-01-01T00:00:00Z"}).Draw(rt, "createdAt")
				waiting = append(waiting, r.append(rt, "somebody", event.TypePostCreated,
					`{"id":"`+id+`","author":"eve","title":"`+title+`","createdAt":"`+at+`"}`))
			case 2:
				if rapid.Bool().Draw(rt, "delete") {
					waiting = append(waiting, r.append(rt, "somebody", event.TypePostDeleted, `{"id":"`+id+`"}`))
				}
			case 3, 4:
				r.patch(rt, id, title)
			default:
				if len(waiting) > 0 {
					i := rapid.IntRange(0, len(waiting)-1).Draw(rt, "hand out")
					r.handle(rt, waiting[i])
					if rapid.Bool().Draw(rt, "once") {
						waiting = slices.Delete(waiting, i, i+1)
					}
				}
			}
		}
		r.handle(rt, rapid.Permutation(waiting).Draw(rt, "the rest")...)
		var list []string
		for _, id := range []string{"p", "q"} {
			p := r.load(rt, id)
			if p.Version > 0 && !p.Deleted {
				list = append(list, bus.TimeKey(p.CreatedAt, id))
			}
			got := seen{Title: p.Title, Author: p.Author, Created: p.CreatedAt}
			if p.Deleted {
				got = seen{Gone: true}
			}
			if diff := cmp.Diff(told(r.stream(rt), id), got); diff != "" {
				rt.Fatalf("post %s (-readers +owner)\n%s", id, diff)
			}
		}
		slices.Sort(list)
		if got := r.listed(rt); !slices.Equal(got, list) {
			rt.Fatalf("listed are %q, want %q", got, list)
		}
	})
}
