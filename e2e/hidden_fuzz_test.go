package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	fuzzSeed  = flag.Uint64("seed", 0, "of the random histories; 0 takes another each time")
	fuzzSteps = flag.Int("steps", 120, "of each random history")
)

// mark stands in every text and name, numbered: what it numbers says who may see it.
var mark = regexp.MustCompile(`m4rk(\d+)z`)

// history makes random changes and knows which texts may be seen.
type history struct {
	*system
	r        *rand.Rand
	post     []post
	comments []*authored

	mu      sync.Mutex
	allowed map[string]bool // marks of texts that are approved or may be just now
	marks   int
}

// authored is a comment of a history. Its texts are judged by what they begin with.
type authored struct {
	comment
	mark string
	kind string // fine, hmm or racism
}

// text makes a text of a kind with a mark of its own, and lets fine ones be seen:
// the moderator approves them sooner or later.
func (h *history) text(kind string) (text, mark string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.marks++
	mark = fmt.Sprintf("m4rk%dz", h.marks)
	h.allowed[mark] = kind == "fine"
	return kind + " " + mark, mark
}

func (h *history) allow(mark string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.allowed[mark] = true
}

// look fails the test if an answer has a mark that may not be seen.
func (h *history) look(where, text string) (seen []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range mark.FindAllString(text, -1) {
		seen = append(seen, m)
		if !h.allowed[m] {
			h.t.Errorf("%s shows %s, which nobody has approved: %s", where, m, text)
		}
	}
	return seen
}

// step makes one random change.
func (h *history) step() {
	kind := []string{"fine", "hmm", "racism"}[h.r.IntN(3)]
	p := h.post[h.r.IntN(len(h.post))]
	what := h.r.IntN(10)
	if len(h.comments) == 0 {
		what = 0
	}
	switch {
	case what < 4:
		text, m := h.text(kind)
		c := h.newComment(p.ID, text, "by "+m)
		h.comments = append(h.comments, &authored{c, m, kind})
	case what < 6:
		c := h.comments[h.r.IntN(len(h.comments))]
		text, m := h.text(kind)
		a := h.must(http.StatusOK, request{
			service: "comments", method: "PATCH", path: "/comments/" + c.ID, body: object(map[string]string{"content": text, "author": "by " + m}),
		}.token(c.EditToken))
		c.Version, c.mark, c.kind = read[comment](h.system, a).Version, m, kind
	case what < 7:
		i := h.r.IntN(len(h.comments))
		c := h.comments[i]
		h.must(http.StatusNoContent, request{service: "comments", method: "DELETE", path: "/comments/" + c.ID}.token(c.EditToken))
		h.comments = slices.Delete(h.comments, i, i+1)
	default:
		h.overrule(h.comments[h.r.IntN(len(h.comments))])
	}
}

// overrule lets a person decide, perhaps on a text that the moderator has not read
// yet; then it is refused, and what it says about is not what is seen.
func (h *history) overrule(c *authored) {
	status := []string{"approved", "rejected", "flagged"}[h.r.IntN(3)]
	was := h.isAllowed(c.mark)
	if status == "approved" {
		h.allow(c.mark) // from here on, as it may be shown before the answer comes
	}
	a, err := h.do(deciding(ann, c.comment, c.Version, status, ""))
	if err != nil || !slices.Contains([]int{http.StatusOK, http.StatusConflict, http.StatusNotFound}, a.status) {
		h.t.Fatalf("decide: %d, %v: %s", a.status, err, a.body)
	}
	if a.status != http.StatusOK && !was {
		h.mu.Lock()
		h.allowed[c.mark] = c.kind == "fine"
		h.mu.Unlock()
	}
}

func (h *history) isAllowed(mark string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.allowed[mark]
}

// places are all the public answers there are.
func (h *history) places() []request {
	all := []request{{service: "comments", path: "/comments/all?limit=100"}, {service: "query", path: "/posts"}, {service: "query", path: "/feed.atom"}}
	for _, p := range h.post {
		all = append(all, request{service: "query", path: "/posts/" + p.ID}, request{service: "query", path: "/posts/" + p.ID + "/comments?limit=100"},
			request{service: "query", path: "/posts/" + p.ID + "/comments.atom"}, request{service: "comments", path: "/posts/" + p.ID + "/comments?limit=100"})
	}
	for _, path := range []string{"/moderation/queue", "/moderation/log", "/moderation/summary", "/moderation/rules"} {
		all = append(all, request{service: "moderator", path: path}) // without a token
	}
	return all
}

// TestNothingUnapprovedIsEverPublic runs random histories while everything public
// is read all the time, and asks at the end that exactly what is approved is seen.
func TestNothingUnapprovedIsEverPublic(t *testing.T) {
	t.Parallel()
	seed := *fuzzSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	s := startSystem(t, moderated(t))
	h := &history{system: s, r: rand.New(rand.NewPCG(seed, 7)), allowed: map[string]bool{}}
	for i := range 2 {
		h.post = append(h.post, s.newPost(fmt.Sprint("Post ", i)))
	}
	var live []*listener
	for _, replica := range s.replicas["query"] {
		live = append(live, s.listen(replica, ""))
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	reads := 0
	readers.Go(func() {
		for {
			for _, r := range h.places() {
				select {
				case <-stop:
					return
				default:
				}
				if a, err := s.do(r); err == nil {
					reads++
					h.look(r.String(), fmt.Sprint(a.header)+string(a.body))
				}
			}
		}
	})
	for range *fuzzSteps {
		h.step()
	}
	close(stop)
	readers.Wait()

	want := h.settled()
	var seen []string
	for _, r := range h.places() {
		if r.path == "/posts" || strings.HasSuffix(r.path, ".atom") {
			continue // they show only the latest
		}
		for _, a := range s.pagesOf(r) {
			seen = append(seen, h.look(r.String(), string(a.body))...)
		}
	}
	for m, there := range want {
		if there != slices.Contains(seen, m) {
			t.Errorf("%s is seen: %t, want %t", m, !there, there)
		}
	}
	told := 0
	for _, l := range live {
		for {
			select {
			case e := <-l.events:
				told++
				h.look("the stream", e.Data)
				continue
			default:
			}
			break
		}
	}
	t.Logf("seed %d: %d texts, %d answers read while they changed, %d live events, %d texts approved at the end",
		seed, h.marks, reads, told, count(want))
	if reads < 20 || told < 20 {
		t.Errorf("that is too few to show anything")
	}
}

// settled waits until every comment has its verdict, and returns of each present
// text whether it is to be seen, as its author is told.
func (h *history) settled() map[string]bool {
	want := map[string]bool{}
	for _, c := range h.comments {
		h.eventually("comment "+c.ID+" is judged and query knows", func() string {
			own := read[comment](h.system, h.must(http.StatusOK, request{service: "comments", path: "/comments/" + c.ID}.token(c.EditToken)))
			own.PostID = c.PostID
			a := h.must(http.StatusOK, request{service: "query", path: "/posts/" + c.PostID + fmt.Sprintf("?comment=%s&version=%d&wait=2s", c.ID, own.Version)})
			if own.Status == "pending" || a.status != http.StatusOK {
				return own.Status
			}
			want[c.mark] = own.Status == "approved"
			return ""
		})
		if (c.kind == "racism" || c.kind == "hmm") && want[c.mark] && !h.isAllowed(c.mark) {
			h.t.Errorf("%s is approved and nobody has said so", c.mark)
		}
	}
	return want
}

func (s *system) pagesOf(r request) []answer {
	if r.service == "moderator" {
		return []answer{s.must(http.StatusUnauthorized, r)}
	}
	if strings.Contains(r.path, "limit=") {
		return s.pages(r.service, r.path)
	}
	return []answer{s.must(http.StatusOK, r)}
}

func count(all map[string]bool) int {
	n := 0
	for _, yes := range all {
		if yes {
			n++
		}
	}
	return n
}
