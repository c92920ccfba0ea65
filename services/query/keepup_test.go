package query

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/tmaxmax/go-sse"

	"newsfeed/internal/bustest"
)

// page is what a front end keeps: the posts it shows.
type page struct {
	t     *testing.T
	posts map[string]postView
}

// read reads the page anew.
func (p *page) read(r *replica) {
	p.t.Helper()
	_, body := r.get("/posts?limit=100")
	var posts []postView
	if err := json.Unmarshal([]byte(body), &posts); err != nil {
		p.t.Fatalf("%v: %s", err, body)
	}
	p.posts = map[string]postView{}
	for _, post := range posts {
		p.posts[post.ID] = post
	}
}

func into[T any](t *testing.T, data string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

// apply does with an event what a front end does.
func (p *page) apply(r *replica, e sse.Event) {
	p.t.Helper()
	switch e.Type {
	case eventHello, eventResync:
		p.read(r)
	case eventPost:
		post := into[postView](p.t, e.Data)
		p.posts[post.ID] = post
	case eventPostDeleted:
		delete(p.posts, into[deletedPost](p.t, e.Data).ID)
	case eventComment:
		in := into[commentChange](p.t, e.Data)
		p.change(in.PostID, in.CommentCount, in.Comment.ID, &in.Comment)
	case eventCommentDeleted:
		in := into[deletedComment](p.t, e.Data)
		p.change(in.PostID, in.CommentCount, in.ID, nil)
	default:
		p.t.Fatalf("event %s", e.Type)
	}
}

// change replaces a comment of a post that is shown, or takes it out.
func (p *page) change(postID string, count int64, id string, now *commentView) {
	post, ok := p.posts[postID]
	if !ok {
		return
	}
	post.CommentCount = count
	post.Comments = slices.DeleteFunc(slices.Clone(post.Comments), func(c commentView) bool { return c.ID == id })
	if now != nil {
		post.Comments = append(post.Comments, *now)
	}
	slices.SortFunc(post.Comments, func(a, b commentView) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	p.posts[postID] = post
}

// A client that reads the page once and then lives on the stream alone, with its
// connection dropping and going to either replica, ends with what the page is.
// Events come out of order, again, and at the same time through both replicas.
func TestAClientKeepsUp(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	server := bustest.Start(t, "--appendonly", "no")
	replicas := []*replica{newReplica(t, server.Addr()), newReplica(t, server.Addr())}
	drops := 0
	for range 40 {
		if err := replicas[0].client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		entries := shuffled(random, history(random, 60))
		var folding sync.WaitGroup
		for part := range 4 {
			folding.Go(func() {
				for i := part; i < len(entries); i += 4 {
					if err := replicas[i%2].store.handle(t.Context(), entries[i]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		p := &page{t: t, posts: map[string]postView{}}
		r := replicas[0]
		l := r.listen("")
		p.apply(r, l.next())
		folded := make(chan struct{})
		go func() { folding.Wait(); close(folded) }()
		for told := false; !told; {
			if random.IntN(8) == 0 {
				l.cut()
				drops++
				r = replicas[random.IntN(2)]
				l = r.listen(l.last)
			}
			select {
			case e := <-l.events:
				l.last = e.LastEventID
				p.apply(r, e)
			case <-folded:
				last, err := r.bus.Last(t.Context(), changesStream)
				if err != nil {
					t.Fatal(err)
				}
				if told = l.last == last.String(); !told {
					p.apply(r, l.next())
				}
			}
		}
		l.cut()
		want := &page{t: t}
		want.read(r)
		if diff := gocmp.Diff(want.posts, p.posts); diff != "" {
			t.Fatalf("the client shows something else than the page:\n%s", diff)
		}
	}
	t.Logf("the connection dropped %d times", drops)
}
