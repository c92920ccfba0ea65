// Package scripts_test runs the scripts as their users do.
package scripts_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

const patience = 20 * time.Second

func eventStreams() []string {
	return []string{
		event.Stream(event.Posts), event.Stream(event.Comments),
		event.Stream(event.Moderator), event.Stream(event.EventBus),
	}
}

type watch struct {
	cmd      *exec.Cmd
	out, err bustest.Buffer
	ended    chan struct{} // closed once the script has ended
}

func startWatch(t *testing.T, port int, args ...string) *watch {
	t.Helper()
	w := &watch{cmd: exec.Command("./watch", args...), ended: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), "REDIS_HOST=127.0.0.1", "REDIS_PORT="+strconv.Itoa(port), "LC_ALL=C.UTF-8")
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.err
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to signal redis-cli with it, as a terminal does
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = w.cmd.Wait(); close(w.ended) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL)
		<-w.ended
		if t.Failed() {
			t.Logf("stderr of watch:\n%s", w.err.String())
		}
	})
	return w
}

func (w *watch) says(t *testing.T, what string) {
	t.Helper()
	bustest.Eventually(t, patience, "watch says "+what, func() bool { return strings.Contains(w.err.String(), what) })
}

var heading = regexp.MustCompile(`(?m)^(\{\w+\}:events) (\d+-\d+)$`)

// seen returns the ids that watch has shown, by stream, in order.
func (w *watch) seen() map[string][]string {
	ids := map[string][]string{}
	for _, m := range heading.FindAllStringSubmatch(w.out.String(), -1) {
		ids[m[1]] = append(ids[m[1]], m[2])
	}
	return ids
}

func count(ids map[string][]string) int {
	n := 0
	for of := range maps.Values(ids) {
		n += len(of)
	}
	return n
}

// sees waits until watch has shown as many entries as want holds, and then
// compares them one by one.
func (w *watch) sees(t *testing.T, want map[string][]string) {
	t.Helper()
	bustest.Eventually(t, patience, fmt.Sprintf("watch shows %d entries", count(want)),
		func() bool { return count(w.seen()) >= count(want) })
	if diff := cmp.Diff(want, w.seen()); diff != "" {
		t.Errorf("entries shown (-want +got):\n%s", diff)
	}
}

// burst appends n entries to each stream and notes their ids.
func burst(t *testing.T, c *redis.Client, n int, into map[string][]string) {
	t.Helper()
	pipe := c.Pipeline()
	var adds []*redis.StringCmd
	for _, stream := range eventStreams() {
		for i := range n {
			adds = append(adds, pipe.XAdd(t.Context(), &redis.XAddArgs{
				Stream: stream, Values: []string{"type", "PostCreated", "data", fmt.Sprintf(`{"id":"p%d"}`, i)},
			}))
		}
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, add := range adds {
		stream := eventStreams()[i/n]
		into[stream] = append(into[stream], add.Val())
	}
}

func TestWatchMissesAndRepeatsNothing(t *testing.T) {
	r := bustest.Start(t)
	c := r.Client()
	before, want := map[string][]string{}, map[string][]string{}
	burst(t, c, 3, before)
	w := startWatch(t, r.Port)
	w.says(t, "watching")
	for i := range 20 { // singly, so that some fall between two calls
		burst(t, c, 1+i%2, want)
	}
	burst(t, c, 250, want) // more than one call takes
	w.sees(t, want)

	r.Kill()
	w.says(t, "does not answer")
	r.Restart()
	burst(t, c, 30, want)
	w.says(t, "answers again")
	burst(t, c, 1, want)
	w.sees(t, want)
}

func TestWatchFromStart(t *testing.T) {
	r := bustest.Start(t)
	want := map[string][]string{}
	burst(t, r.Client(), 220, want)
	w := startWatch(t, r.Port, "--from-start")
	w.sees(t, want)
	burst(t, r.Client(), 1, want)
	w.sees(t, want)
}

func TestWatchWaitsForRedis(t *testing.T) {
	r := bustest.Start(t)
	want := map[string][]string{}
	burst(t, r.Client(), 2, want)
	r.Kill()
	w := startWatch(t, r.Port, "--from-start")
	w.says(t, fmt.Sprintf("Redis at %s does not answer", r.Addr()))
	r.Restart()
	w.sees(t, want)
}

// What an event says must neither move the position nor pass for an outage, and
// must not reach the terminal as a command.
func TestWatchIsNotFooledByValues(t *testing.T) {
	r := bustest.Start(t)
	w := startWatch(t, r.Port)
	w.says(t, "watching")
	want := map[string][]string{}
	stream := event.Stream(event.Comments)
	for _, value := range []string{
		"9999999999999-0", "{posts}:events", "connection refused, closed, LOADING",
		"two\nlines", "{posts}:events\n9999999999999-7", "", "\x1b[31mred\u009b1m", "grüße",
	} {
		id, err := r.Client().XAdd(t.Context(), &redis.XAddArgs{
			Stream: stream, Values: []string{"type", "CommentCreated", "id", value, "last", "one"},
		}).Result()
		if err != nil {
			t.Fatal(err)
		}
		want[stream] = append(want[stream], id)
	}
	w.sees(t, want)
	burst(t, r.Client(), 1, want)
	w.sees(t, want)
	shown := w.out.String()
	if strings.ContainsAny(shown, "\x1b\u009b") {
		t.Error("a control character came through")
	}
	if !strings.Contains(shown, "grüße") {
		t.Error("grüße is not shown as it is")
	}
}

func TestWatchEndsWithCtrlC(t *testing.T) {
	r := bustest.Start(t)
	w := startWatch(t, r.Port)
	w.says(t, "watching")
	if err := syscall.Kill(-w.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.ended:
	case <-time.After(patience):
		t.Fatal("watch goes on after Ctrl-C")
	}
	if got := w.err.String(); strings.Contains(got, "does not answer") {
		t.Errorf("stderr = %q after Ctrl-C, want no word of an outage", got)
	}
}

func TestWatchRefuses(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("watch")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, arg, path string
		code            int
		says            string
	}{
		{"an unknown flag", "--from-end", os.Getenv("PATH"), 2, "usage"},
		{"no redis-cli", "--from-start", t.TempDir(), 1, "redis-cli is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(bash, script, tt.arg)
			cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
				return strings.HasPrefix(v, "PATH=")
			}), "PATH="+tt.path)
			out, _ := cmd.CombinedOutput() // the exit code tells
			if got := cmd.ProcessState.ExitCode(); got != tt.code || !strings.Contains(string(out), tt.says) {
				t.Errorf("exit code %d, output %q; want %d and %q", got, out, tt.code, tt.says)
			}
		})
	}
}
