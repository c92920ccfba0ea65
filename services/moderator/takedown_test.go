package moderator

import (
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// post publishes a post and waits until the moderator knows it.
func (r *rig) post(id, title string) {
	r.t.Helper()
	r.publish(event.TypePostCreated, event.Post{ID: id, Title: &title, Version: new(int64(1))})
	r.until(func() bool {
		titles, err := r.store.titles(r.t.Context(), []string{id})
		return err == nil && titles[0] == title
	})
}

// takedownsOf returns the orders about a post that went out.
func (r *rig) takedownsOf(id string) (all []event.PostTakenDown) {
	r.t.Helper()
	entries, err := r.bus.Range(r.t.Context(), stream, bus.ID{}, 10_000)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range entries {
		payload, err := e.Event.Decode()
		if err != nil {
			r.t.Fatal(err)
		}
		if in, ok := payload.(event.PostTakenDown); ok && in.ID == id {
			all = append(all, in)
		}
	}
	return all
}

func TestTakeDown_SaysSoOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.post("p1", "Buy now")
	const path = "/moderation/posts/p1/takedown"
	first := ask[takedown](r, http.StatusAccepted, annsToken, "POST", path, `{"reason":"spam","note":"Please read the rules."}`)
	want := takedown{PostID: "p1", By: "ann", Reason: "spam", Note: "Please read the rules.", Time: first.Time}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			if again := ask[takedown](r, http.StatusAccepted, bobsToken, "POST", path, `{"reason":"rude"}`); !cmp.Equal(again, first) {
				t.Errorf("a second order: %+v", again)
			}
		})
	}
	running.Wait()
	got := r.takedownsOf("p1")
	if diff := cmp.Diff([]event.PostTakenDown{{ID: "p1", Reason: new("spam"), Note: new("Please read the rules."), Moderator: new("ann")}}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	// Also after the post is gone.
	r.publish(event.TypePostDeleted, event.PostDeleted{ID: "p1", Version: new(int64(2))})
	r.until(func() bool {
		titles, err := r.store.titles(t.Context(), []string{"p1"})
		return err == nil && titles[0] == ""
	})
	ask[takedown](r, http.StatusAccepted, annsToken, "POST", path, `{"reason":"spam"}`)
	if n := len(r.takedownsOf("p1")); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
}

func TestTakeDown_BadRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t, banRules, nil)
	r.post("p1", "Buy now")
	r.post("gone", "Gone")
	r.publish(event.TypePostDeleted, event.PostDeleted{ID: "gone", Version: new(int64(2))})
	r.until(func() bool {
		titles, err := r.store.titles(t.Context(), []string{"gone"})
		return err == nil && titles[0] == ""
	})
	for _, tt := range []struct {
		token, id, body string
		status          int
	}{
		{annsToken, "unknown", `{"reason":"spam"}`, http.StatusNotFound},
		{annsToken, "gone", `{"reason":"spam"}`, http.StatusNotFound},
		{annsToken, "p1", `{}`, http.StatusBadRequest},
		{annsToken, "p1", `{"reason":"spam","by":"bob"}`, http.StatusBadRequest},
		{"no token of ours", "p1", `{"reason":"spam"}`, http.StatusUnauthorized},
	} {
		ask[problem](r, tt.status, tt.token, "POST", "/moderation/posts/"+tt.id+"/takedown", tt.body)
	}
	if n := len(r.takedownsOf("p1")); n != 0 {
		t.Errorf("%d orders, want none", n)
	}
}
