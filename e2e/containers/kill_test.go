//go:build containers

package containers

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killed ends the main process of every container in the middle of a run, in the
// two ways there are: from the host, which its restart policy mends, and by
// docker kill, which somebody else must.
func killed(s *stack) {
	s.t.Helper()
	all := append(parts(), "redis")
	c := newCrowd(s)
	c.during(func() {
		for _, part := range all {
			s.killMain(part, "")
		}
		// Redis itself, and not the shell that has started it.
		s.healthy("redis")
		s.killMain("redis", "redis-server")
		s.healthy(all...)
	})
	c.during(func() {
		for _, part := range all {
			name := s.name(part)
			docker(s.t, "kill", name)
			if got := inspect(s.t, "{{.State.Status}} {{.State.ExitCode}}", name); got != "exited 137" {
				s.t.Errorf("%s after docker kill: %s, want exited 137", part, got)
			}
			docker(s.t, "start", name)
		}
		s.healthy(all...)
	})
	if c.accepted.Load() == 0 {
		s.t.Fatal("nothing was accepted")
	}
	c.check()
}

// killMain kills a process of the container from the host, the first one unless
// it is named, and waits until the container has been started again.
func (s *stack) killMain(part, process string) {
	s.t.Helper()
	name := s.name(part)
	before := inspect(s.t, "{{.State.Pid}} {{.RestartCount}}", name)
	main, count, _ := strings.Cut(before, " ")
	victim := main
	if process != "" {
		top := regexp.MustCompile(`(?m)^\s*(\d+)\s+` + process).FindStringSubmatch(docker(s.t, "top", name, "-eo", "pid,comm"))
		if top == nil {
			s.t.Fatalf("no %s runs in %s", process, name)
		}
		victim = top[1]
	}
	n, err := strconv.Atoi(victim)
	if err != nil || n <= 1 {
		s.t.Fatalf("%s has the process %q", name, victim)
	}
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
		s.t.Fatalf("kill %d of %s: %v (these tests need to be root where the engine runs)", n, name, err)
	}
	s.eventually(30*time.Second, name+" is started again", func() string {
		out, _ := exec.Command("docker", "inspect", "-f", "{{.State.Status}} {{.State.Pid}} {{.RestartCount}}", name).Output()
		status := strings.Fields(string(out))
		if len(status) != 3 || status[0] != "running" || status[1] == main || status[2] == count {
			return fmt.Sprintf("%s, was %s", out, before)
		}
		return ""
	})
}

// docker stop is SIGTERM: everything ends well, and soon.
func TestStop(t *testing.T) {
	s := newStack(t)
	s.up()
	post := s.newPost("Stop")
	comment := s.comment(post.ID, "kept")
	s.becomes(post.ID, comment.ID, "approved")
	for _, part := range append(parts(), "redis") {
		begin := time.Now()
		docker(t, "stop", s.name(part))
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %s to stop", part, took)
		}
		if got := inspect(t, "{{.State.ExitCode}} {{.State.OOMKilled}}", s.name(part)); got != "0 false" {
			t.Errorf("%s ended with %s, want 0 false", part, got)
		}
	}
	for _, part := range append([]string{"redis"}, parts()...) {
		docker(t, "start", s.name(part))
	}
	s.healthy(parts()...)
	s.becomes(post.ID, comment.ID, "approved")
}
