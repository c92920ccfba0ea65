package comments

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// seen is a comment as a reader of the stream knows it, or as the owner does.
type seen struct {
	Content, Author string
	Status          event.Status
	Created         time.Time
	Gone            bool
}

// told is what the stream says of a comment on post p, in the words of
// docs/events.md: the latest entry holds, the time of creation is the smallest, and
// deletion is final. False if it says nothing.
func told(entries []bus.Entry, id string) (seen, bool) {
	var s seen
	var created event.Creation
	known := false
	for _, e := range entries {
		payload, err := e.Decode()
		if err != nil || payload.PostKey() != "p" {
			continue
		}
		switch in := payload.(type) {
		case event.CommentDeleted:
			if in.ID == id {
				return seen{Gone: true}, true
			}
		case event.Comment:
			if in.ID != id {
				continue
			}
			known = true
			set(&s.Content, in.Content)
			set(&s.Author, in.Author)
			set(&s.Status, in.Status)
			created.See(in.CreatedAt, e.ID.Time())
			s.Created = created.At
		}
	}
	return s, known
}

// However what others write, what authors do and verdicts fall together, and in
// whatever order and however often the owner hears of it: in the end it holds what
// a reader of its stream does, and no comment of a post that is gone.
func TestTheOwnerAgreesWithItsReaders(t *testing.T) {
	r := newRig(t)
	rapid.Check(t, func(rt *rapid.T) {
		if err := r.client.FlushDB(context.Background()).Err(); err != nil {
			rt.Fatal(err)
		}
		*r.consumer = consumer{store: r.store, awaited: map[bus.ID]bus.ID{}}
		r.write(rt, "ours", "text 0")
		var waiting []bus.Entry
		postGone := false
		handOut := func(i int) (done bool) {
			err := r.consumer.handle(context.Background(), waiting[i])
			if err != nil && waiting[i].Event.Type != event.TypeCommentModerated {
				rt.Fatal(err)
			}
			return err == nil // else it is on a comment that is yet to be heard of
		}
		for range rapid.IntRange(1, 14).Draw(rt, "steps") {
			id := rapid.SampledFrom([]string{"ours", "theirs"}).Draw(rt, "id")
			text := strconv.Quote("text " + strconv.Itoa(rapid.IntRange(0, 2).Draw(rt, "text")))
			data := `{"postId":"p","id":"` + id + `","author":"eve","content":` + text
			if at := rapid.IntRange(0, 4).Draw(rt, "createdAt"); at > 2 {
				data += `,"createdAt":"` + time.Unix(int64(1_700_000_000+at), 0).UTC().Format(time.RFC3339) + `"`
			}
			switch rapid.IntRange(0, 11).Draw(rt, "step") {
			case 0, 1:
				waiting = append(waiting, r.foreign(rt, event.TypeCommentCreated, `%s}`, data))
			case 2:
				waiting = append(waiting, r.foreign(rt, event.TypeCommentUpdated, `%s,"status":"approved"}`, data))
			case 3:
				post := rapid.SampledFrom([]string{"p", "p", "wrong"}).Draw(rt, "post")
				waiting = append(waiting, r.foreign(rt, event.TypeCommentDeleted, `{"postId":%q,"id":%q}`, post, id))
			case 4, 5:
				r.patch(rt, id, "text "+strconv.Itoa(rapid.IntRange(3, 4).Draw(rt, "edit")))
			case 6:
				waiting = append(waiting, r.foreign(rt, event.TypeCommentModerated, `%s,"status":"rejected","decision":1099511627776}`, data))
			case 7:
				waiting = append(waiting, r.own(rt, event.TypeCommentModerated, `%s,"status":"approved","version":%d,"decision":%d}`, data,
					max(1, r.load(rt, id).Version), rapid.IntRange(1, 9).Draw(rt, "decision")))
			case 8:
				if rapid.IntRange(0, 3).Draw(rt, "the post too") == 0 {
					waiting, postGone = append(waiting, r.own(rt, event.TypePostDeleted, `{"id":"p"}`)), true
				}
			default:
				if len(waiting) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(waiting)-1).Draw(rt, "hand out")
				if handOut(i) && rapid.Bool().Draw(rt, "once") {
					waiting = slices.Delete(waiting, i, i+1)
				}
			}
		}
		for _, i := range rapid.Permutation(indexes(waiting)).Draw(rt, "order of the rest") {
			handOut(i)
		}
		var listed []string
		for _, id := range []string{"ours", "theirs"} {
			want, known := told(r.stream(rt, stream), id)
			c := r.load(rt, id)
			got := seen{Content: c.Content, Author: c.Author, Status: c.Status, Created: c.CreatedAt}
			if c.Deleted || c.Version == 0 && want.Gone {
				got = seen{Gone: true} // nothing is kept of one that was deleted before it was heard of
			}
			if diff := cmp.Diff(want, got); diff != "" || known != (c.Version > 0 || got.Gone) {
				rt.Fatalf("comment %s, known to readers: %t (-readers +owner)\n%s", id, known, diff)
			}
			if c.listed() {
				listed = append(listed, bus.TimeKey(c.CreatedAt, id))
			}
		}
		slices.Sort(listed)
		for _, list := range r.listed(rt, "p") {
			if !slices.Equal(list, listed) || postGone && len(list) > 0 {
				rt.Fatalf("listed are %q, want %q, and none if the post is gone: %t", list, listed, postGone)
			}
		}
	})
}

func indexes(entries []bus.Entry) []int {
	all := make([]int, len(entries))
	for i := range all {
		all[i] = i
	}
	return all
}
