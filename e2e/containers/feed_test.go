//go:build containers

package containers

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// made is what the answer to a new post or comment says.
type made struct{ ID, EditToken, Status string }

// ask sends one request and returns the status and the body. A body is JSON.
func (s *stack) ask(method, url, body string, header ...string) (int, string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// must asks until the answer has this status, as clients do while a container is
// started again, and fails the test at any other answer but 503.
func (s *stack) must(status int, method, url, body string, header ...string) string {
	s.t.Helper()
	var text string
	s.eventually(30*time.Second, method+" "+url, func() string {
		got, answer, err := s.ask(method, url, body, header...)
		switch {
		case err != nil:
			return err.Error()
		case got == http.StatusServiceUnavailable, got == http.StatusBadGateway:
			return answer
		case got != status:
			s.t.Fatalf("%s %s: status %d, want %d: %s", method, url, got, status, answer)
		}
		text = answer
		return ""
	})
	return text
}

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func (s *stack) newPost(title string) made {
	s.t.Helper()
	return decode[made](s.t, s.must(http.StatusCreated, "POST", s.url("posts")+"/posts", fmt.Sprintf(`{"title":%q}`, title)))
}

func (s *stack) comment(post, content string) made {
	s.t.Helper()
	return decode[made](s.t, s.must(http.StatusCreated, "POST", s.url("comments")+"/posts/"+post+"/comments", fmt.Sprintf(`{"content":%q}`, content)))
}

// becomes waits until the comment has the status in comments and in query.
func (s *stack) becomes(post, comment, status string) {
	s.t.Helper()
	s.eventually(30*time.Second, comment+" is "+status, func() string {
		for _, url := range []string{s.url("comments") + "/posts/", s.url("query") + "/posts/"} {
			if got := s.statuses(url + post + "/comments?limit=100")[comment]; got != status {
				return fmt.Sprintf("%q at %s", got, url)
			}
		}
		return ""
	})
}

// statuses returns what has become of each comment of a list.
func (s *stack) statuses(url string) map[string]string {
	_, text, err := s.ask("GET", url, "")
	var list []made
	if err != nil || json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	all := map[string]string{}
	for _, c := range list {
		all[c.ID] = c.Status
	}
	return all
}

// crowd writes comments until it is told to stop.
type crowd struct {
	s        *stack
	posts    []string
	accepted atomic.Int64
	mu       sync.Mutex
	byPost   map[string][]string
}

const crowdPosts = 8

func newCrowd(s *stack) *crowd {
	c := &crowd{s: s, byPost: map[string][]string{}}
	for i := range crowdPosts {
		c.posts = append(c.posts, s.newPost(fmt.Sprint("Crowd ", i)).ID)
	}
	return c
}

// during writes comments while do runs. A post gets no more than a page shows.
func (c *crowd) during(do func()) {
	c.s.t.Helper()
	var done atomic.Bool
	var g errgroup.Group
	for w := range 4 {
		g.Go(func() error {
			for n := w; !done.Load(); n += 4 {
				if err := c.write(n); err != nil {
					return err
				}
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
	}
	do()
	done.Store(true)
	if err := g.Wait(); err != nil {
		c.s.t.Fatal(err)
	}
}

func (c *crowd) write(n int) error {
	post := c.posts[n%len(c.posts)]
	c.mu.Lock()
	full := len(c.byPost[post]) >= 90
	c.mu.Unlock()
	if full {
		return nil
	}
	status, text, err := c.s.ask("POST", c.s.url("comments")+"/posts/"+post+"/comments", fmt.Sprintf(`{"content":"fine %d"}`, n))
	switch {
	case err != nil || status == http.StatusServiceUnavailable:
		return nil // not accepted, or nobody knows
	case status != http.StatusCreated:
		return fmt.Errorf("comment %d: status %d: %s", n, status, text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var m made
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return err
	}
	c.byPost[post] = append(c.byPost[post], m.ID)
	c.accepted.Add(1)
	return nil
}

// check waits until every comment that was accepted is approved in both places.
func (c *crowd) check() {
	c.s.t.Helper()
	for post, ids := range c.byPost {
		c.s.eventually(time.Minute, "every comment on "+post+" is final", func() string {
			for _, part := range []string{"comments", "query"} {
				got := c.s.statuses(c.s.url(part) + "/posts/" + post + "/comments?limit=100")
				for _, id := range ids {
					if got[id] != "approved" {
						return fmt.Sprintf("%s is %q in %s, which shows %d of %d", id, got[id], part, len(got), len(ids))
					}
				}
			}
			return ""
		})
	}
	c.s.t.Logf("%d comments accepted, all final", c.accepted.Load())
}
