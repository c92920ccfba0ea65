//go:build containers

package containers

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What is configured wrongly ends at once, with exit code 2 and one line that says
// what to do.
func TestWrongConfiguration(t *testing.T) {
	type try struct {
		part string
		env  []string
		want string
	}
	tries := []try{
		{"redis", nil, "OPERATOR_PASSWORD must be set"},
		{"redis", []string{"OPERATOR_PASSWORD=x"}, "POSTS_PASSWORD must be set"},
		{"redis", []string{"REDIS_PASSWORD=x", "POSTS_PASSWORD=x", "POSTS_PASSWORD_FILE=/x"}, "POSTS_PASSWORD and POSTS_PASSWORD_FILE are both set"},
		{"redis", []string{"REDIS_PASSWORD_FILE=/nowhere"}, "REDIS_PASSWORD_FILE names a file that cannot be read: /nowhere"},
		{"redis", []string{"REDIS_PASSWORD_FILE=/dev/null"}, "REDIS_PASSWORD_FILE names an empty file"},
		{"redis", []string{"REDIS_PASSWORD=x", "MAXMEMORY=much"}, "MAXMEMORY = much is not a size"},
		{"posts", []string{"EDIT_KEY=x", "EDIT_KEY_FILE=/x"}, "EDIT_KEY and EDIT_KEY_FILE are both set"},
		{"moderator", []string{"RULES_FILE=/nowhere.yaml"}, "RULES_FILE"},
		{"eventbus", []string{"SUBSCRIBERS=nonsense"}, "SUBSCRIBERS"},
		{"frontend", []string{"POSTS_URL=nonsense"}, "POSTS_URL"},
	}
	for _, part := range parts() {
		tries = append(tries, try{part, []string{"LISTEN_ADDR=nowhere"}, "LISTEN_ADDR"}, try{part, []string{"LOG_LEVEL=loud"}, "LOG_LEVEL"})
		if part != "frontend" {
			tries = append(tries, try{part, []string{"REDIS_URL=http://redis"}, "REDIS_URL"})
		}
	}
	for _, tt := range tries {
		args := []string{"run", "--rm"}
		for _, e := range tt.env {
			args = append(args, "-e", e)
		}
		cmd := exec.Command("docker", append(args, "newsfeed/"+tt.part)...)
		out, _ := cmd.CombinedOutput()
		said := string(out)
		if first, rest, _ := strings.Cut(said, "\n"); strings.Contains(first, `"msg":"starting"`) {
			said = rest // the configuration as it was understood
		}
		if code := cmd.ProcessState.ExitCode(); code != 2 || strings.Count(said, "\n") != 1 || !strings.Contains(said, tt.want) {
			t.Errorf("%s with %v: exit %d, %q; want 2 and one line with %q", tt.part, tt.env, code, out, tt.want)
		}
	}
	t.Logf("%d wrong configurations", len(tries))
}

// A password can come from a file that is mounted, such as a secret.
func TestPasswordFile(t *testing.T) {
	id := docker(t, "run", "-d", "-e", "REDIS_PASSWORD=common", "-e", "POSTS_PASSWORD_FILE=/etc/hostname", "--hostname", "from-a-file",
		"--read-only", "--tmpfs", "/run/newsfeed-redis:mode=0700,uid=65532,gid=65532", "newsfeed/redis")
	t.Cleanup(func() { docker(t, "rm", "-fv", id) })
	s := &stack{t: t}
	ping := func(user, password string) string {
		out, _ := exec.Command("docker", "exec", id, "redis-cli", "--user", user, "--pass", password, "--no-auth-warning", "ping").CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	s.eventually(30*time.Second, "posts comes in with the file's password", func() string {
		if got := ping("posts", "from-a-file"); got != "PONG" {
			return got
		}
		return ""
	})
	if got := ping("comments", "common"); got != "PONG" {
		t.Errorf("comments with the common password: %s", got)
	}
	if got := ping("posts", "common"); !strings.Contains(got, "WRONGPASS") {
		t.Errorf("posts with the common password: %s", got)
	}
	acl := docker(t, "exec", id, "cat", "/run/newsfeed-redis/users.acl")
	if strings.Contains(acl, "from-a-file") || strings.Contains(acl, "common ") {
		t.Errorf("a password is written down:\n%s", acl)
	}
}

// With the secrets that make env writes, those that everyone knows open nothing.
func TestOwnSecrets(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "scripts", "env.sh")
	if err := os.WriteFile(script, []byte(readFile(t, "scripts/env.sh")), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, exec.Command("sh", script))
	written, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, ".env"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf(".env: %v, %v", info.Mode(), err)
	}
	secret := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=([0-9a-f]{48})$`).FindAllStringSubmatch(string(written), -1) {
		secret[m[1]] = m[2]
	}
	output(t, exec.Command("sh", script))
	if again, err := os.ReadFile(filepath.Join(dir, ".env")); err != nil || string(again) != string(written) {
		t.Errorf("a second make env has changed it: %v", err)
	}

	s := newStack(t)
	s.envFile = filepath.Join(dir, ".env")
	s.up()
	post := s.newPost("Secrets")
	comment := s.comment(post.ID, "fine")
	s.becomes(post.ID, comment.ID, "approved")
	s.must(http.StatusUnauthorized, "GET", s.url("eventbus")+"/streams", "", bearer()...)
	s.must(http.StatusOK, "GET", s.url("eventbus")+"/streams", "", "Authorization", "Bearer "+secret["BUS_TOKEN"])
	anonymous, _ := exec.Command("docker", "exec", s.name("redis"), "redis-cli", "ping").CombinedOutput()
	if !strings.Contains(string(anonymous), "NOAUTH") {
		t.Errorf("without a name and a password: %s", anonymous)
	}
	for user, password := range map[string]string{"default": "DEFAULT_PASSWORD", "operator": "OPERATOR_PASSWORD", "query": "QUERY_PASSWORD"} {
		for given, want := range map[string]string{"development": "WRONGPASS", secret[password]: "PONG"} {
			got, _ := exec.Command("docker", "exec", s.name("redis"), "redis-cli", "--user", user, "--pass", given, "--no-auth-warning", "ping").CombinedOutput()
			if !strings.Contains(string(got), want) {
				t.Errorf("%s with the password %s: %s, want %s", user, given, got, want)
			}
		}
	}
}
