package comments

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// A deletion holds though the comment has been changed since it was written.
func TestAForeignDeletionIsFinal(t *testing.T) {
	r := newRig(t)
	for name, between := range map[string]func(id string){
		"nothing in between": func(string) {},
		"an edit":            func(id string) { r.patch(t, id, "another text") },
		"a verdict": func(id string) {
			r.handle(t, r.own(t, event.TypeCommentModerated,
				`{"postId":"p","id":%q,"content":"a text","status":"approved","version":1,"decision":1}`, id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			r.write(t, id, "a text")
			deletion := r.foreign(t, event.TypeCommentDeleted, `{"postId":"p","id":%q}`, id)
			between(id)
			before := r.load(t, id).Version
			r.handle(t, deletion, deletion)
			if c := r.load(t, id); !c.Deleted || c.Content != "" || c.Version != before+1 {
				t.Errorf("version %d became %+v, want nothing but a tombstone", before, c)
			}
			if got := r.listed(t, "p"); len(got[0])+len(got[1]) > 0 {
				t.Errorf("is listed still: %q", got)
			}
			_, doc, err := r.store.load(t.Context(), id)
			if last := r.stream(t, stream); err != nil || doc.Entry != last[len(last)-1].ID {
				t.Errorf("the tombstone is as of %s, %v, want the last entry about it", doc.Entry, err)
			}
		})
	}
}

// A deletion that names another event's id is no repetition of that one.
func TestAForeignDeletionIsFinalWhateverItsID(t *testing.T) {
	r := newRig(t)
	r.write(t, "c", "a text")
	created := r.stream(t, stream)[0].Event.ID
	e := event.Event{Type: event.TypeCommentDeleted, Data: []byte(`{"postId":"p","id":"c"}`), ID: created, Source: "somebody", Time: at}
	if _, err := r.bus.Publish(t.Context(), stream, e); err != nil {
		t.Fatal(err)
	}
	r.handle(t, r.stream(t, stream)[1])
	if c := r.load(t, "c"); !c.Deleted {
		t.Errorf("the comment stays: %+v", c)
	}
}

// Who names the wrong post deletes nothing, in whatever order it is heard.
func TestAForeignDeletionUnderAnotherPost(t *testing.T) {
	r := newRig(t)
	r.write(t, "c", "a text")
	r.handle(t, r.foreign(t, event.TypeCommentDeleted, `{"postId":"WRONG","id":"c"}`))
	if c := r.load(t, "c"); c.Deleted || c.Version != 1 {
		t.Errorf("the comment became %+v", c)
	}

	created := r.foreign(t, event.TypeCommentCreated, `{"postId":"p","id":"d","content":"theirs"}`)
	wrong := r.foreign(t, event.TypeCommentDeleted, `{"postId":"WRONG","id":"d"}`)
	r.handle(t, wrong, created, wrong)
	if c := r.load(t, "d"); c.Deleted || c.Content != "theirs" {
		t.Errorf("the comment that was adopted after the deletion is %+v", c)
	}

	// The right one holds though it is heard first, and though a wrong one follows.
	created = r.foreign(t, event.TypeCommentCreated, `{"postId":"p","id":"e","content":"theirs"}`)
	right := r.foreign(t, event.TypeCommentDeleted, `{"postId":"p","id":"e"}`)
	wrong = r.foreign(t, event.TypeCommentDeleted, `{"postId":"WRONG","id":"e"}`)
	r.handle(t, right, wrong, created)
	if _, err := r.store.get(t.Context(), "e"); err == nil {
		t.Error("a comment came back that was deleted before it was heard of")
	}
}

// A foreign comment goes with its post, whichever is heard of first.
func TestForeignCommentsOfADeletedPost(t *testing.T) {
	r := newRig(t)
	r.handle(t, r.own(t, event.TypePostDeleted, `{"id":"p","version":2}`))
	created := r.foreign(t, event.TypeCommentCreated, `{"postId":"p","id":"c","content":"late"}`)
	r.handle(t, created, created)
	if c := r.load(t, "c"); !c.Deleted {
		t.Errorf("a comment of a post that is gone is %+v", c)
	}
	all := r.stream(t, stream)
	if last := all[len(all)-1].Event; last.Type != event.TypeCommentDeleted || last.Foreign() || last.CausationID != created.Event.ID {
		t.Errorf("the last event is %+v, want the owner's CommentDeleted", last)
	}
	if len(all) != 2 {
		t.Errorf("%d events, want the comment and its end", len(all))
	}
}

func TestForeignCommentsWhileTheirPostIsDeleted(t *testing.T) {
	r := newRig(t)
	for i := range 50 {
		post := "p" + string(rune('A'+i%26)) + string(rune('a'+i/26))
		entries := []bus.Entry{r.own(t, event.TypePostDeleted, `{"id":%q,"version":2}`, post)}
		for _, id := range []string{"1", "2", "3"} {
			entries = append(entries, r.foreign(t, event.TypeCommentCreated, `{"postId":%q,"id":%q,"content":"late"}`, post, post+id))
		}
		var wg sync.WaitGroup
		for _, e := range entries {
			wg.Go(func() {
				for err := r.consumer.handle(context.Background(), e); err != nil; err = r.consumer.handle(context.Background(), e) {
					if !errors.Is(err, bus.ErrConflict) {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if left := r.listed(t, post); len(left[0])+len(left[1]) > 0 {
			t.Fatalf("run %d: comments stay without their post: %q", i, left)
		}
	}
}

// What a foreign moderator numbers keeps nobody from deciding later.
func TestForeignVerdictsNumberNothing(t *testing.T) {
	r := newRig(t)
	r.write(t, "c", "a text")
	r.handle(t,
		r.foreign(t, event.TypeCommentModerated,
			`{"postId":"p","id":"c","content":"a text","status":"approved","version":7,"decision":1125899906842624}`),
		r.own(t, event.TypeCommentModerated, `{"postId":"p","id":"c","content":"a text","status":"rejected","version":1,"decision":2}`))
	if c := r.load(t, "c"); c.Status != event.Rejected || c.Version != 3 || c.Decision != 2 {
		t.Errorf("got %+v, want version 3, rejected by decision 2", c)
	}
	// A version does not stand in for the text.
	r.patch(t, "c", "another text")
	r.handle(t, r.foreign(t, event.TypeCommentModerated,
		`{"postId":"p","id":"c","content":"a text","status":"approved","version":4}`))
	if c := r.load(t, "c"); c.Status != event.Pending {
		t.Errorf("a verdict on a text that is gone made it %s", c.Status)
	}
}

// An event is believed on the stream of its owner only.
func TestStraysAreIgnored(t *testing.T) {
	r := newRig(t)
	r.write(t, "c", "a text")
	strays := []bus.Entry{
		r.append(t, stream, "*", "", event.TypePostDeleted, `{"id":"p"}`),
		r.append(t, stream, "*", event.Posts, event.TypePostCreated, `{"id":"q","title":"t"}`),
		r.append(t, stream, "*", event.Moderator, event.TypeCommentModerated, `{"postId":"p","id":"c","content":"a text","status":"approved"}`),
		r.append(t, event.Stream(event.Posts), "*", "", event.TypeCommentModerated, `{"postId":"p","id":"c","content":"a text","status":"approved"}`),
		r.append(t, event.Stream(event.Posts), "*", "", event.TypeCommentDeleted, `{"postId":"p","id":"c"}`),
		r.append(t, event.Stream(event.Moderator), "*", "", event.TypePostDeleted, `{"id":"p"}`),
	}
	for _, e := range strays {
		if err := r.consumer.handle(t.Context(), e); err == nil || !strings.Contains(err.Error(), e.Event.Type+" on "+e.Stream) {
			t.Errorf("a %s on %s: %v, want it ignored", e.Event.Type, e.Stream, err)
		}
	}
	if c := r.load(t, "c"); c.Version != 1 {
		t.Errorf("the comment became %+v", c)
	}
	for post, want := range map[string]bool{"p": true, "q": false} {
		if got, err := r.store.postExists(t.Context(), post); err != nil || got != want {
			t.Errorf("post %s exists: %t, %v, want %t", post, got, err, want)
		}
	}
}

// When a comment was created is the smallest time that an event gives, and as long
// as none does the time of an entry: the writer's clock says nothing.
func TestWhenAForeignCommentWasCreated(t *testing.T) {
	r := newRig(t)
	const first, second = 1_700_000_000_000, 1_700_000_005_000
	created := r.append(t, stream, "1700000000000-0", "", event.TypeCommentCreated, `{"postId":"p","id":"c","content":"theirs"}`)
	created.Event.Time = at // as the field "time" would have it
	later := r.append(t, stream, "1700000005000-0", "", event.TypeCommentEdited, `{"postId":"p","id":"c","content":"edited"}`)
	is := func(want time.Time, why string) {
		t.Helper()
		if got := r.load(t, "c").CreatedAt; !got.Equal(want) {
			t.Errorf("%s: created at %s, want %s", why, got, want)
		}
		member := bus.TimeKey(want, "c")
		if diff := cmp.Diff([2][]string{{member}, {member}}, r.listed(t, "p")); diff != "" {
			t.Errorf("%s: not where it belongs in the lists: %s", why, diff)
		}
	}
	later.Event.Time = at
	r.handle(t, later)
	is(time.UnixMilli(second), "the first that is heard")
	r.handle(t, created, created)
	is(time.UnixMilli(first), "an earlier one")
	if c := r.load(t, "c"); c.Content != "edited" {
		t.Errorf("the text is that of an earlier entry: %+v", c)
	}
	given := time.UnixMilli(second + 1).UTC()
	r.handle(t, r.foreign(t, event.TypeCommentEdited, `{"postId":"p","id":"c","content":"e","createdAt":%q}`, given.Format(time.RFC3339Nano)))
	is(given, "one that is given beats those of entries")
	r.patch(t, "c", "ours")
	is(given, "our own edit")
	r.handle(t, r.foreign(t, event.TypeCommentEdited, `{"postId":"p","id":"c","content":"e","createdAt":"2020-01-01T00:00:00Z"}`))
	is(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "a smaller one")
}
