package posts

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// order writes a moderator's order and returns it as the service reads it.
func (r *rig) order(t fataler, data string) bus.Entry {
	t.Helper()
	ctx, from := context.Background(), event.Stream(event.Moderator)
	values := []string{"type", event.TypePostTakenDown, "data", data, "source", event.Moderator, "id", "order"}
	if err := r.client.XAdd(ctx, &redis.XAddArgs{Stream: from, Values: values}).Err(); err != nil {
		t.Fatal(err)
	}
	all, err := r.store.bus.Range(ctx, from, bus.ID{}, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return all[len(all)-1]
}

func TestTakeDown_DeletesOnceAndTellsTheAuthor(t *testing.T) {
	t.Parallel()
	r := newServed(t)
	made, _ := ask[created](r, http.StatusCreated, "POST", "/posts", `{"title":"Buy now"}`)
	path, bearer := "/posts/"+made.ID, "Bearer "+made.EditToken
	order := r.order(t, `{"id":"`+made.ID+`","reason":"spam","note":"Please read the rules.","moderator":"ann"}`)
	r.handle(t, order, order)

	if p := r.load(t, made.ID); !p.Deleted || p.Version != 2 || p.Title != "" {
		t.Errorf("what remains: %+v", p)
	}
	if got := r.listed(t); len(got) > 0 {
		t.Errorf("is listed still: %q", got)
	}
	entries := r.stream(t)
	last := entries[len(entries)-1].Event
	if len(entries) != 2 || last.Type != event.TypePostDeleted || last.CausationID != "order" || last.Foreign() {
		t.Errorf("%d entries, the last %+v; want one PostDeleted caused by the order", len(entries), last)
	}

	for token, want := range map[string]string{
		"":              "post " + made.ID,
		"Bearer wrong":  "post " + made.ID,
		bearer:          "a moderator has taken this post down: spam\n\nPlease read the rules.",
		"Bearer " + adm: "a moderator has taken this post down: spam\n\nPlease read the rules.",
	} {
		p, _ := ask[web.Problem](r, http.StatusNotFound, "GET", path, "", "Authorization", token)
		if p.Detail != want {
			t.Errorf("with %q: detail %q, want %q", token, p.Detail, want)
		}
	}
	ask[web.Problem](r, http.StatusNotFound, "PATCH", path, `{"title":"again"}`, "Authorization", bearer)
}

// An order is carried out also where the post comes after it.
func TestTakeDown_PostNotHeardOfYet_StaysDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	creation := r.append(t, "somebody", event.TypePostCreated, `{"id":"q","title":"theirs"}`)
	r.handle(t, r.order(t, `{"id":"q","reason":"spam"}`), creation)
	if p := r.load(t, "q"); !p.Deleted {
		t.Errorf("came back: %+v", p)
	}
	if entries := r.stream(t); len(entries) != 2 || !strings.HasPrefix(entries[1].Event.Type, event.TypePostDeleted) {
		t.Errorf("readers do not hear of it: %d entries", len(entries))
	}
}

// What else the moderator says is nothing for this service.
func TestHandle_OtherEventsOfTheModerator_AreIgnored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.write(t)
	ctx, from := t.Context(), event.Stream(event.Moderator)
	for typ, data := range map[string]string{
		event.TypeCommentModerated: `{"postId":"p","id":"p","content":"","status":"rejected"}`,
		event.TypeBlockAdded:       `{"postId":"p","id":"p","then":"reject"}`,
	} {
		if err := r.client.XAdd(ctx, &redis.XAddArgs{Stream: from, Values: []string{"type", typ, "data", data}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	all, err := r.store.bus.Range(ctx, from, bus.ID{}, 10)
	if err != nil || len(all) != 2 {
		t.Fatal(len(all), err)
	}
	r.handle(t, all...)
	if p := r.load(t, "p"); p.Deleted || p.Version != 1 {
		t.Errorf("changed: %+v", p)
	}
}
