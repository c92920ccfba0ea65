package query

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// Which outcome it is that every order leads to.
func TestTheFold(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	entry := func(ms int64, source string) bus.Entry {
		return bus.Entry{ID: bus.ID{Ms: uint64(at.UnixMilli() + ms)}, Event: event.Event{Type: event.TypePostUpdated, Source: source}}
	}
	foldPosts := func(p post, e bus.Entry, in ...event.Payload) post {
		for _, payload := range in {
			p = applyPost(p, e, payload)
		}
		return p
	}
	first := foldPosts(post{}, entry(10, event.Posts), event.Post{
		ID: "p", Title: new("first"), Body: new("body"), Author: new("ann"), Version: new(int64(1)), CreatedAt: new(at.Add(5 * time.Millisecond)),
	})
	tests := []struct {
		name string
		then post
		want func(p *post)
	}{
		{"a later entry wins what it says and leaves the rest",
			foldPosts(first, entry(20, event.Posts), event.Post{ID: "p", Title: new("second"), Version: new(int64(2))}),
			func(p *post) {
				p.Title = register[string]{"second", bus.ID{Ms: uint64(at.UnixMilli() + 20)}}
				p.Version = register[int64]{2, p.Title.Entry}
			}},
		{"an earlier entry only has the time, if it gives a smaller one",
			foldPosts(first, entry(1, event.Posts), event.Post{ID: "p", Title: new("zeroth"), CreatedAt: new(at)}),
			func(p *post) { p.Created.At = at }},
		{"a larger time changes nothing",
			foldPosts(first, entry(1, event.Posts), event.Post{ID: "p", CreatedAt: new(at.Add(time.Hour))}),
			func(*post) {}},
		{"the version is the owner's",
			foldPosts(first, entry(20, "somebody"), event.Post{ID: "p", Version: new(int64(7))}),
			func(*post) {}},
		{"deletion leaves its tombstone, whatever comes after",
			foldPosts(first, entry(20, event.Posts), event.PostDeleted{ID: "p"}, event.Post{ID: "p", Title: new("again")}),
			func(p *post) { *p = post{ID: "p", Deleted: true} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := first
			tt.want(&want)
			if diff := cmp.Diff(want, tt.then); diff != "" {
				t.Errorf("not the outcome (-want +got):\n%s", diff)
			}
		})
	}
}
