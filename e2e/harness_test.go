// Package e2e tests the whole system: the real programs as processes, on a real
// Redis, over HTTP.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

var serviceNames = []string{"posts", "comments", "moderator", "query"}

// programs builds the services once for all tests.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "newsfeed-e2e-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir, "./cmd/...") //nolint:gosec,noctx // own arguments
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// replica is one process of a service, which keeps its port and name over
// restarts.
type replica struct {
	t        testing.TB
	name     string
	instance string
	port     int
	redisURL string
	logPath  string
	cmd      *exec.Cmd
	exited   chan struct{}
}

func (r *replica) url() string { return "http://127.0.0.1:" + strconv.Itoa(r.port) }

func (r *replica) start() {
	r.t.Helper()
	dir, err := programs()
	if err != nil {
		r.t.Fatal(err)
	}
	log, err := os.OpenFile(r.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	r.cmd = exec.Command(filepath.Join(dir, r.name)) //nolint:gosec,noctx // ended by kill or stop
	r.cmd.Env = append(os.Environ(), "REDIS_URL="+r.redisURL, "LISTEN_ADDR=127.0.0.1:"+strconv.Itoa(r.port),
		"INSTANCE="+r.instance, "LOG_LEVEL=warn")
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) { _ = cmd.Wait(); close(exited) }(r.cmd, r.exited)
}

// kill ends the process as a power cut would.
func (r *replica) kill() {
	_ = r.cmd.Process.Kill()
	<-r.exited
}

// stop ends the process as it should be ended, and checks that it ends well.
func (r *replica) stop() {
	r.t.Helper()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.exited:
		if code := r.cmd.ProcessState.ExitCode(); code != 0 {
			r.t.Errorf("%s ended with %d", r.instance, code)
		}
	case <-time.After(10 * time.Second):
		r.t.Errorf("%s did not end within 10 s of SIGTERM", r.instance)
		r.kill()
	}
}

// feed is the whole system, two replicas of each service.
type feed struct {
	t        testing.TB
	redis    *bustest.Redis
	replicas map[string][]*replica
	client   *http.Client
	turn     atomic.Int64
}

func newFeed(t testing.TB) *feed {
	t.Helper()
	f := &feed{t: t, redis: bustest.Start(t), replicas: map[string][]*replica{}, client: &http.Client{Timeout: 10 * time.Second}}
	dir := t.TempDir()
	for _, name := range serviceNames {
		for i := range 2 {
			instance := name + "-" + strconv.Itoa(i)
			r := &replica{
				t: t, name: name, instance: instance, port: bustest.FreePort(t), redisURL: f.redis.URL(),
				logPath: filepath.Join(dir, instance+".log"),
			}
			r.start()
			f.replicas[name] = append(f.replicas[name], r)
		}
	}
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		for _, rs := range f.replicas {
			for _, r := range rs {
				r.kill()
				if log, err := os.ReadFile(r.logPath); t.Failed() && err == nil {
					t.Logf("%s:\n%s", r.instance, log[max(0, len(log)-3000):])
				}
			}
		}
	})
	for _, name := range serviceNames {
		for _, r := range f.replicas[name] {
			bustest.Eventually(t, 20*time.Second, r.instance+" is ready", func() bool {
				return f.once(r, "GET", "/readyz", "", nil).status == http.StatusOK
			})
		}
	}
	return f
}

// answer is what came back; status 0 if nothing did.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) field(name string) string {
	var m map[string]any
	if json.Unmarshal(a.body, &m) != nil {
		return ""
	}
	s, _ := m[name].(string)
	return s
}

func (f *feed) once(r *replica, method, path, body string, header map[string]string) answer {
	req, err := http.NewRequestWithContext(context.Background(), method, r.url()+path, bytes.NewBufferString(body))
	if err != nil {
		f.t.Error(err)
		return answer{}
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return answer{}
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}
	}
	return answer{res.StatusCode, res.Header, data}
}

// do asks the replicas of a service in turn until one answers with anything but
// 503.
func (f *feed) do(service, method, path, body string, header map[string]string) answer {
	f.t.Helper()
	var a answer
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		rs := f.replicas[service]
		a = f.once(rs[int(f.turn.Add(1))%len(rs)], method, path, body, header)
		if a.status != 0 && a.status != http.StatusServiceUnavailable {
			return a
		}
	}
	f.t.Errorf("%s %s of %s: no answer, last %d %s", method, path, service, a.status, a.body)
	return a
}

func (f *feed) post(title string) (id, token string) {
	f.t.Helper()
	a := f.do("posts", "POST", "/posts", `{"title":"`+title+`","author":"author of post"}`, nil)
	if a.status != http.StatusCreated {
		f.t.Fatalf("post: %d %s", a.status, a.body)
	}
	return a.field("id"), a.field("editToken")
}

func (f *feed) comment(post, content, author string) (id, token string) {
	f.t.Helper()
	a := f.do("comments", "POST", "/posts/"+post+"/comments", `{"content":"`+content+`","author":"`+author+`"}`, nil)
	if a.status != http.StatusCreated {
		f.t.Errorf("comment: %d %s", a.status, a.body)
	}
	return a.field("id"), a.field("editToken")
}

type commentView struct{ ID, Content, Author, Status string }

// comments reads every page of a post's comments from a service.
func (f *feed) comments(service, post string) map[string][]commentView {
	f.t.Helper()
	seen := map[string][]commentView{}
	for path := "/posts/" + post + "/comments?limit=100"; path != ""; {
		a := f.do(service, "GET", path, "", nil)
		var page []commentView
		if a.status != http.StatusOK || json.Unmarshal(a.body, &page) != nil {
			return seen
		}
		for _, c := range page {
			seen[c.ID] = append(seen[c.ID], c)
		}
		path = ""
		if link := a.header.Get("Link"); link != "" {
			path = "/posts/" + post + "/comments" + link[1:bytes.IndexByte([]byte(link), '>')]
		}
	}
	return seen
}

func (f *feed) eventually(what string, ok func() bool) {
	f.t.Helper()
	bustest.Eventually(f.t, 60*time.Second, what, ok)
}
