//go:build kubernetes

package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

const (
	perSecond  = 50
	loadPosts  = 60
	mostFaults = 20 // that are shown
)

// load asks every part for something, 50 times a second, over connections that are
// kept open as browsers do, and remembers what was accepted.
type load struct {
	t      *testing.T
	client *http.Client
	posts  []string // that comments are written on

	sent     atomic.Int64
	mu       sync.Mutex
	failed   []string
	accepted map[string][]string // comments by post; a post without any is there, too
}

func newLoad(t *testing.T) *load {
	t.Helper()
	l := &load{t: t, accepted: map[string][]string{}, client: &http.Client{
		Timeout:   15 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute},
	}}
	t.Cleanup(l.client.CloseIdleConnections)
	for i := range loadPosts {
		l.posts = append(l.posts, l.newPost(fmt.Sprint("Load ", i)))
	}
	return l
}

func (l *load) newPost(title string) (id string) {
	l.t.Helper()
	status, text, err := ask(l.client, "POST", url("posts", "/posts"), fmt.Sprintf(`{"title":%q}`, title))
	var made struct{ ID string }
	if err != nil || status != http.StatusCreated || json.Unmarshal([]byte(text), &made) != nil {
		l.t.Fatalf("new post: %d %s %v", status, text, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted[made.ID] = nil
	return made.ID
}

// during sends requests while do runs.
func (l *load) during(do func()) {
	l.t.Helper()
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(time.Second / perSecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-tick.C:
				all.Go(func() { l.one(n) })
			}
		}
	})
	defer all.Wait()
	defer close(stop)
	do()
}

// one sends the nth request. Each part has its turn, and the front end passes some on.
func (l *load) one(n int) {
	post := l.posts[n/10%len(l.posts)]
	comment := fmt.Sprintf(`{"content":"fine %d"}`, n)
	switch n % 10 {
	case 0:
		l.get("frontend", "/")
	case 1:
		l.get("frontend", "/api/query/posts?limit=5")
	case 2:
		l.write("posts", "/posts", fmt.Sprintf(`{"title":"Load %d"}`, n), "")
	case 3:
		l.write("comments", "/posts/"+post+"/comments", comment, post)
	case 4:
		l.get("query", "/posts?limit=5")
	case 5:
		l.write("frontend", "/api/comments/posts/"+post+"/comments", comment, post)
	case 6:
		l.get("moderator", "/moderation/queue")
	case 7:
		l.get("eventbus", "/events?limit=5")
	case 8:
		l.get("comments", "/posts/"+post+"/comments?limit=5")
	case 9:
		l.get("posts", "/posts?limit=5")
	}
}

func (l *load) get(part, path string) { l.send(http.StatusOK, "GET", part, path, "") }

// write remembers a new post, or the comment on post.
func (l *load) write(part, path, body, post string) {
	text, ok := l.send(http.StatusCreated, "POST", part, path, body)
	if !ok {
		return
	}
	var made struct{ ID string }
	err := json.Unmarshal([]byte(text), &made)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.failed = append(l.failed, fmt.Sprintf("%s: %v: %s", path, err, text))
	case post == "":
		l.accepted[made.ID] = nil
	default:
		l.accepted[post] = append(l.accepted[post], made.ID)
	}
}

func (l *load) send(want int, method, part, path, body string) (string, bool) {
	l.sent.Add(1)
	begin := time.Now()
	status, text, err := ask(l.client, method, url(part, path), body)
	if err == nil && status == want {
		return text, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, fmt.Sprintf("%s %s %s %s: %d %v after %s: %.200s", begin.Format("15:04:05.000"), part, method, path, status, err,
		time.Since(begin).Round(time.Millisecond), text))
	return "", false
}

// noneFailed says how many requests there were since it was last asked, and fails
// the test for each that was not answered as it should.
func (l *load) noneFailed(what string) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Logf("%s: %d requests, %d failed", what, l.sent.Swap(0), len(l.failed))
	if n := len(l.failed); n > 0 {
		l.t.Errorf("%s: %d requests failed:\n%s", what, n, strings.Join(l.failed[:min(n, mostFaults)], "\n"))
	}
	l.failed = nil
}

// noneLost waits until everything that was accepted is in the view, each comment
// approved there and where it was written.
func (l *load) noneLost() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	comments := 0
	for post, ids := range l.accepted {
		comments += len(ids)
		bustest.Settles(l.t, time.Minute, "the view has post "+post, func() string {
			if status, text, err := ask(l.client, "GET", url("query", "/posts/"+post), ""); err != nil || status != http.StatusOK {
				return fmt.Sprint(status, text, err)
			}
			return ""
		})
		for _, part := range []string{"comments", "query"} {
			if len(ids) == 0 {
				continue
			}
			bustest.Settles(l.t, time.Minute, "every comment on "+post+" is approved in "+part, func() string {
				got := l.statuses(part, post)
				for _, id := range ids {
					if got[id] != "approved" {
						return fmt.Sprintf("%s is %q, of %d there", id, got[id], len(got))
					}
				}
				return ""
			})
		}
	}
	l.t.Logf("%d posts and %d comments accepted, none lost", len(l.accepted), comments)
}

// statuses returns what has become of each comment on a post, over all pages.
func (l *load) statuses(part, post string) map[string]string {
	all := map[string]string{}
	for path := "/posts/" + post + "/comments?limit=100"; path != ""; {
		req, err := http.NewRequest("GET", url(part, path), nil)
		if err != nil {
			return all
		}
		resp, err := l.client.Do(req)
		if err != nil {
			return all
		}
		var list []struct{ ID, Status string }
		err = json.NewDecoder(resp.Body).Decode(&list)
		_ = resp.Body.Close()
		if err != nil {
			return all
		}
		for _, c := range list {
			all[c.ID] = c.Status
		}
		next, _, _ := strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"), ">")
		path = next
	}
	return all
}
