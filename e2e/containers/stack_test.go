//go:build containers

package containers

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// parts are the services of the compose file beside redis.
func parts() []string { return slices.Sorted(maps.Keys(ports())) }

// stack is the compose file's containers under a project name of their own, on
// ports of their own.
type stack struct {
	t       testing.TB
	project string
	files   []string
	env     []string
	envFile string // in place of .env, whose secrets nobody here knows
	ports   map[string]int
	client  *http.Client
}

// newStack returns a stack that is not up yet. It is taken down with the test.
func newStack(t testing.TB, files ...string) *stack {
	t.Helper()
	s := &stack{
		t: t, project: fmt.Sprintf("newsfeed-e2e-%d", os.Getpid()), files: append([]string{"docker-compose.yml"}, files...),
		envFile: os.DevNull, ports: map[string]int{}, client: &http.Client{Timeout: 15 * time.Second},
	}
	s.env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+s.project, "RATE_LIMIT=off",
		"VERSION="+version, "COMMIT="+commit, "COMPOSE_IGNORE_ORPHANS=1", "COMPOSE_PROGRESS=plain")
	for _, part := range append(parts(), "redis") {
		s.ports[part] = bustest.FreePort(t)
		s.env = append(s.env, fmt.Sprintf("%s_PORT=%d", strings.ToUpper(part), s.ports[part]))
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs:\n%s", s.tail())
		}
		s.compose("down", "-v", "--timeout", "5")
		s.client.CloseIdleConnections()
	})
	return s
}

// up builds what is not built and waits until everything is healthy.
func (s *stack) up(args ...string) {
	s.t.Helper()
	s.compose(append([]string{"up", "--wait", "--wait-timeout", "120"}, args...)...)
}

func (s *stack) compose(args ...string) {
	s.t.Helper()
	all := []string{"compose", "--project-directory", root, "--env-file", s.envFile}
	for _, f := range s.files {
		if !filepath.IsAbs(f) {
			f = filepath.Join(root, f)
		}
		all = append(all, "-f", f)
	}
	cmd := exec.Command("docker", append(all, args...)...)
	cmd.Env = s.env
	output(s.t, cmd)
}

// tail is the end of what every container wrote.
func (s *stack) tail() string {
	out, _ := exec.Command("docker", "ps", "-aq", "--filter", "label=com.docker.compose.project="+s.project).Output()
	var b strings.Builder
	for id := range strings.FieldsSeq(string(out)) {
		log, _ := exec.Command("docker", "logs", "--tail", "500", id).CombinedOutput()
		fmt.Fprintf(&b, "%s:\n", id)
		shown := 0
		for line := range strings.Lines(string(log)) {
			if !strings.Contains(line, `"level":"INFO"`) && shown < 20 {
				shown++
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// run runs a part of a test on the stack.
func (s *stack) run(t *testing.T, name string, part func(*stack)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		outer := s.t
		s.t = t
		defer func() { s.t = outer }()
		part(s)
	})
}

// name is that of a service's first container.
func (s *stack) name(service string) string { return s.project + "-" + service + "-1" }

func (s *stack) url(part string) string { return fmt.Sprintf("http://localhost:%d", s.ports[part]) }

// operator is a redis-cli command of the operator's.
func (s *stack) operator(args ...string) string {
	s.t.Helper()
	return docker(s.t, append([]string{
		"exec", s.name("redis"), "redis-cli", "--user", "operator", "--pass", "development", "--no-auth-warning",
	}, args...)...)
}

// docker runs a docker command that has to work, and returns what it printed.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	return output(t, exec.Command("docker", args...))
}

func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, stdout.String(), stderr.String())
	}
	return strings.TrimSpace(stdout.String())
}

// inspect returns what a template says of a container or image.
func inspect(t testing.TB, template, name string) string {
	t.Helper()
	return docker(t, "inspect", "-f", template, name)
}

func (s *stack) eventually(within time.Duration, what string, wrong func() string) {
	s.t.Helper()
	bustest.Settles(s.t, within, what, wrong)
}

// healthy waits until the health checks of the services' containers say so.
func (s *stack) healthy(services ...string) {
	s.t.Helper()
	for _, service := range services {
		s.eventually(time.Minute, service+" is healthy", func() string {
			out, _ := exec.Command("docker", "inspect", "-f", "{{.State.Status}} {{.State.Health.Status}}", s.name(service)).Output()
			if got := strings.TrimSpace(string(out)); got != "running healthy" {
				return got
			}
			return ""
		})
	}
}
