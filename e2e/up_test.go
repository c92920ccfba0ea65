package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bustest"
)

// allInOne is a run of newsfeed up.
type allInOne struct {
	t      *testing.T
	offset int
	host   string // where it is reached; "" is localhost
	cmd    *exec.Cmd
	out    bustest.Buffer
	exited chan error
}

// freeOffset returns a --port-offset with which all ports are free.
func freeOffset(t *testing.T) int {
	t.Helper()
	for range 100 {
		offset := 15_000 + rand.IntN(10_000)
		free := true
		for _, port := range []int{3000, 5001, 5002, 5003, 5004, 5005, 6380} {
			free = bustest.TakePort(t, port+offset) && free
		}
		if free {
			return offset
		}
	}
	t.Fatal("no free ports")
	return 0
}

// up starts newsfeed up with only these variables in its environment.
func up(t *testing.T, offset int, env []string, args ...string) *allInOne {
	t.Helper()
	u := &allInOne{t: t, offset: offset, exited: make(chan error, 1)}
	u.cmd = exec.Command(filepath.Join(programs, "newsfeed"), append([]string{"--port-offset", strconv.Itoa(offset)}, args...)...)
	u.cmd.Env = append([]string{}, env...)
	u.cmd.Stdout, u.cmd.Stderr = &u.out, &u.out
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { u.exited <- u.cmd.Wait() }()
	t.Cleanup(func() {
		u.close()
		if t.Failed() {
			t.Logf("newsfeed up says:\n%s", u.out.String())
		}
	})
	return u
}

// says waits for words in what the run writes.
func (u *allInOne) says(words string) {
	u.t.Helper()
	bustest.Eventually(u.t, patience, "newsfeed up says "+words, func() bool { return strings.Contains(u.out.String(), words) })
}

// end sends the signal and returns how the process ended; nil if it had already.
func (u *allInOne) end(signal os.Signal) error {
	u.t.Helper()
	if u.cmd == nil {
		return nil
	}
	_ = u.cmd.Process.Signal(signal)
	u.cmd = nil
	select {
	case err := <-u.exited:
		return err
	case <-time.After(3 * stopLimit):
		u.t.Fatal("newsfeed up goes on after its end was asked for")
		return nil
	}
}

// close ends what still runs, and its Redis with it.
func (u *allInOne) close() {
	if u.cmd == nil {
		return
	}
	running := u.cmd.Process
	u.cmd = nil
	_ = running.Signal(syscall.SIGTERM)
	select {
	case err := <-u.exited:
		u.t.Logf("newsfeed up ended after SIGTERM: %v", err)
	case <-time.After(2 * stopLimit):
		_ = running.Kill()
		u.t.Logf("newsfeed up had to be killed: %v", <-u.exited)
		u.endRedis()
	}
}

// kill ends the process as a power cut would, so that its Redis is left behind, until
// the end of the test.
func (u *allInOne) kill() {
	u.t.Cleanup(u.endRedis)
	_ = u.end(syscall.SIGKILL)
}

// endRedis ends the Redis that a killed run has left behind, if it is still there.
func (u *allInOne) endRedis() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + strconv.Itoa(6380+u.offset), MaxRetries: -1})
	defer func() { _ = client.Close() }()
	info := client.Info(context.Background(), "server").Val() // empty if nobody answers
	if found := regexp.MustCompile(`process_id:(\d+)`).FindStringSubmatch(info); found != nil {
		pid, _ := strconv.Atoi(found[1]) // digits
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// url is that of a service, by its usual port.
func (u *allInOne) url(port int, path string) string {
	return fmt.Sprintf("http://%s:%d%s", cmp.Or(u.host, "localhost"), port+u.offset, path)
}

func (u *allInOne) call(method, url, body string, out any) error {
	req, err := http.NewRequestWithContext(u.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, res.Status, answer)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// journey writes a post and a comment, through the page's server as a browser
// does, and waits until query shows the comment. It returns the post's id.
func (u *allInOne) journey() string {
	u.t.Helper()
	var made, comment struct{ ID string }
	if err := u.call("POST", u.url(3000, "/api/posts/posts"), `{"title":"Hello"}`, &made); err != nil {
		u.t.Fatal(err)
	}
	if err := u.call("POST", u.url(3000, "/api/comments/posts/"+made.ID+"/comments"), `{"content":"kind"}`, &comment); err != nil {
		u.t.Fatal(err)
	}
	bustest.Eventually(u.t, patience, "the comment is approved", func() bool { return u.shows(made.ID) })
	u.feedLeadsTo(u.url(3000, "/posts/"+made.ID))
	return made.ID
}

// feedLeadsTo fails the test if the Atom feed does not link to the page of a post
// where this run serves it.
func (u *allInOne) feedLeadsTo(page string) {
	u.t.Helper()
	res, err := http.Get(u.url(5004, "/feed.atom"))
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	feed, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(feed), `href="`+page+`"`) {
		u.t.Errorf("the feed has no link to %s (%v): %s", page, err, feed)
	}
}

// shows reports whether query shows the post with its approved comment.
func (u *allInOne) shows(post string) bool {
	var p struct{ CommentCount int }
	return u.call("GET", u.url(3000, "/api/query/posts/"+post), "", &p) == nil && p.CommentCount == 1
}

func (u *allInOne) redisGone() bool {
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(6380+u.offset), time.Second)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func TestUpInMemory(t *testing.T) {
	t.Parallel()
	u := up(t, freeOffset(t), []string{"PATH=" + t.TempDir()})
	u.says("Newsfeed is ready")
	u.says("gone when this ends")
	u.journey()
	if out := u.out.String(); strings.Contains(out, "does not answer") {
		t.Errorf("it speaks of an outage:\n%s", out)
	}
	if err := u.end(syscall.SIGINT); err != nil {
		t.Errorf("Ctrl-C: %v, want exit code 0", err)
	}
}

// A Redis of its own ends with newsfeed up and keeps its data; one that was left
// behind by a kill is taken over.
func TestUpWithItsOwnRedis(t *testing.T) {
	t.Parallel()
	offset, data := freeOffset(t), t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH")}
	u := up(t, offset, env, "--data-dir", data)
	u.says("Newsfeed is ready")
	post := u.journey()
	if out, _, _ := strings.Cut(u.out.String(), "Newsfeed is ready"); strings.TrimSpace(out) != "" && !strings.Contains(out, "the page is not built") {
		t.Errorf("it starts with words that help nobody:\n%s", out)
	}

	again := up(t, freeOffset(t), env, "--data-dir", data)
	again.says("another newsfeed uses the data")
	taken := up(t, offset, env, "--data-dir", t.TempDir())
	taken.says("is in use")
	for _, refused := range []*allInOne{again, taken} {
		if err := <-refused.exited; err == nil || strings.Count(strings.TrimSpace(refused.out.String()), "\n") != 0 {
			t.Errorf("a second one: exit %v, %q; want a failure and one line", err, refused.out.String())
		}
		refused.cmd = nil
	}

	if err := u.end(syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v, want exit code 0", err)
	}
	if !u.redisGone() {
		t.Error("Redis outlives newsfeed up")
	}

	u = up(t, offset, env, "--data-dir", data)
	u.says("Newsfeed is ready")
	if !u.shows(post) {
		t.Error("the post is gone after a restart")
	}
	u.kill()
	if u.redisGone() {
		t.Fatal("Redis is gone after kill -9, so there is nothing to take over")
	}
	u = up(t, offset, env, "--data-dir", data)
	u.says("Newsfeed is ready")
	if !u.shows(post) {
		t.Error("the post is gone after a kill")
	}
	u.journey()
	if err := u.end(syscall.SIGINT); err != nil {
		t.Errorf("Ctrl-C: %v, want exit code 0", err)
	}
	if !u.redisGone() {
		t.Error("the Redis that was taken over outlives newsfeed up")
	}
}

func TestUpWithAGivenRedis(t *testing.T) {
	t.Parallel()
	server := bustest.Start(t)
	u := up(t, freeOffset(t), []string{"PATH=" + t.TempDir(), "REDIS_URL=" + server.URL()})
	u.says("Newsfeed is ready")
	u.journey()
	if err := u.end(syscall.SIGINT); err != nil {
		t.Errorf("Ctrl-C: %v, want exit code 0", err)
	}
	if n := server.Client().DBSize(t.Context()).Val(); n == 0 {
		t.Error("nothing was written to the Redis that was given")
	}
}
