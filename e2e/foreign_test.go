package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bustest"
)

// The services in node/ are written as courses write them: state in memory, the
// event bus over HTTP. They take the place of ours on our event bus, all four at
// once and each alone beside the others, and a comment reaches its verdict every
// time, in order, also when 64 come at once.
func TestForeignServicesLiveOnTheEventBus(t *testing.T) {
	installNode(t)
	for _, foreign := range [][]string{services, {"posts"}, {"comments"}, {"moderator"}, {"query"}} {
		name := strings.Join(foreign, "+")
		t.Run(name, func(t *testing.T) {
			m := startMixed(t, foreign)
			const posts, each = 8, 25
			ids := make([]string, posts)
			for i := range ids {
				ids[i] = m.createPost(fmt.Sprintf("post %d", i))
			}
			want := map[string]string{} // text to status
			var g errgroup.Group
			g.SetLimit(64)
			for n := range posts * each {
				text, status := fmt.Sprintf("comment %d", n), "approved"
				if n%10 == 0 {
					text, status = text+" orange racism", "rejected" // as theirs and ours have it
				}
				want[text] = status
				g.Go(func() error { return m.comment(ids[n%posts], text) })
			}
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			m.settles(ids, want)
			if !slices.Contains(foreign, "query") {
				return
			}
			// One that comes later asks for what it has missed, as theirs do.
			late := m.startNode("query", "CATCH_UP=1")
			m.port["query"] = late
			m.settles(ids, want)
		})
	}
}

// nodeFolder holds the foreign services.
const nodeFolder = "node"

var npmOnce = sync.OnceValues(func() ([]byte, error) {
	lock := filepath.Join(nodeFolder, "package-lock.json")
	done, err := os.Stat(filepath.Join(nodeFolder, "node_modules", ".package-lock.json"))
	if info, lockErr := os.Stat(lock); err == nil && lockErr == nil && !info.ModTime().After(done.ModTime()) {
		return nil, nil
	}
	cmd := exec.Command("npm", "ci", "--loglevel=error", "--no-audit", "--no-fund")
	cmd.Dir = nodeFolder
	return cmd.CombinedOutput()
})

func installNode(t *testing.T) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the foreign services need %s; as root on Debian or Ubuntu make test installs it", program)
		}
	}
	if out, err := npmOnce(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}

// mixed is one of each service, ours or a foreign one, on one event bus.
type mixed struct {
	t       *testing.T
	redis   *bustest.Redis
	bus     *process
	foreign []string
	port    map[string]int
	client  *http.Client
}

func startMixed(t *testing.T, foreign []string) *mixed {
	t.Helper()
	m := &mixed{
		t: t, redis: bustest.Start(t), foreign: foreign, port: map[string]int{},
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64}},
	}
	t.Cleanup(m.client.CloseIdleConnections)
	m.bus = newProcess(t, "eventbus", "eventbus", m.redis.URL())
	var subscribers []string
	for _, name := range services {
		if slices.Contains(foreign, name) {
			m.port[name] = m.startNode(name)
			subscribers = append(subscribers, fmt.Sprintf("http://localhost:%d/events", m.port[name]))
			continue
		}
		p := newProcess(t, name, name, m.redis.URL())
		p.start()
		m.port[name] = p.port
		m.answers(p.port, "/readyz")
	}
	m.bus.env["SUBSCRIBERS"] = strings.Join(subscribers, ",")
	m.bus.start()
	m.answers(m.bus.port, "/readyz")
	return m
}

// startNode runs a foreign service until the end of the test, asks then that it
// has not fallen over, and returns its port.
func (m *mixed) startNode(name string, env ...string) int {
	m.t.Helper()
	file := map[string]string{"moderator": "moderation.js"}[name]
	if file == "" {
		file = name + ".js"
	}
	port := bustest.FreePort(m.t)
	cmd := exec.Command("node", file)
	cmd.Dir = nodeFolder
	cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(port), fmt.Sprintf("BUS=http://localhost:%d", m.bus.port))
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bustest.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if got := log.String(); got != "listening\n" {
			m.t.Errorf("the foreign %s says:\n%.2000s", name, got)
		}
	})
	bustest.Eventually(m.t, patience, "the foreign "+name+" listens", func() bool { return log.String() == "listening\n" })
	return port
}

func (m *mixed) answers(port int, path string) {
	m.t.Helper()
	bustest.Eventually(m.t, patience, fmt.Sprintf(":%d%s answers", port, path), func() bool {
		return m.call(http.MethodGet, port, path, nil, nil) == nil
	})
}

// call sends in as JSON and reads the answer, which must be a 2xx, into out.
func (m *mixed) call(method string, port int, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(m.t.Context(), method, fmt.Sprintf("http://localhost:%d%s", port, path), bytes.NewReader(body))
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := m.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	for name, ours := range m.port {
		if ours == port && !slices.Contains(m.foreign, name) {
			documented(m.t, name, res, body, answer)
		}
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func (m *mixed) createPost(title string) string {
	m.t.Helper()
	var made struct{ ID string }
	if err := m.call(http.MethodPost, m.port["posts"], "/posts", map[string]string{"title": title}, &made); err != nil {
		m.t.Fatal(err)
	}
	return made.ID
}

func (m *mixed) comment(post, text string) error {
	return m.call(http.MethodPost, m.port["comments"], "/posts/"+post+"/comments", map[string]string{"content": text}, nil)
}

// shown returns what query shows: the number of comments, and how many there are
// of each status.
func (m *mixed) shown(posts []string) (statuses map[string]int, texts map[string]string, err error) {
	type comment struct{ Content, Status string }
	var all []comment
	if slices.Contains(m.foreign, "query") {
		var view map[string]struct{ Comments []comment }
		if err := m.call(http.MethodGet, m.port["query"], "/posts", nil, &view); err != nil {
			return nil, nil, err
		}
		for _, p := range view {
			all = append(all, p.Comments...)
		}
	} else {
		for _, id := range posts {
			var page []comment
			if err := m.call(http.MethodGet, m.port["query"], "/posts/"+id+"/comments?limit=100", nil, &page); err != nil {
				return nil, nil, err
			}
			all = append(all, page...)
		}
	}
	statuses, texts = map[string]int{}, map[string]string{}
	for _, c := range all {
		statuses[c.Status]++
		if c.Content != "" { // ours hides what is not approved
			texts[c.Content] = c.Status
		}
	}
	return statuses, texts, nil
}

// settles waits until every comment is shown once, with the status it should have.
func (m *mixed) settles(posts []string, want map[string]string) {
	m.t.Helper()
	counts := map[string]int{}
	for _, status := range want {
		counts[status]++
	}
	last := ""
	defer func() {
		if m.t.Failed() {
			m.t.Logf("at last query showed %s", last)
		}
	}()
	bustest.Eventually(m.t, patience, "every comment has its verdict", func() bool {
		statuses, texts, err := m.shown(posts)
		last = fmt.Sprint(statuses, err)
		if err != nil || len(statuses) != len(counts) {
			return false
		}
		for status, n := range counts {
			if statuses[status] != n {
				return false
			}
		}
		for text, status := range texts {
			if want[text] != status {
				return false
			}
		}
		return true
	})
}
