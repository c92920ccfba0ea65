//go:build containers

package containers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Bounds of what is shipped.
const (
	serviceMB = 25
	redisMB   = 120
	restMiB   = 250
	readyIn   = 20 * time.Second
)

func TestUp(t *testing.T) {
	s := newStack(t)
	begin := time.Now()
	s.up()
	took := time.Since(begin)
	t.Logf("ready after %s", took.Round(100*time.Millisecond))
	if took > readyIn {
		t.Errorf("ready after %s, want at most %s", took, readyIn)
	}
	atRest(t, s)
	for _, part := range append(parts(), "redis") {
		t.Run(part, func(t *testing.T) {
			sized(t, part)
			confined(t, s, part)
			reachable(t, s, part)
		})
	}
	s.run(t, "a comment's way", passing)
	t.Run("networks", func(t *testing.T) { networked(t, s) })
	t.Run("memory limits", func(t *testing.T) { memoryLimited(t, s) })
	t.Run("down leaves nothing", func(t *testing.T) {
		s.compose("down", "-v")
		for _, kind := range []string{"ps -a", "volume ls", "network ls"} {
			args := append(strings.Fields(kind), "-q", "--filter", "label=com.docker.compose.project="+s.project)
			if left := docker(t, args...); left != "" {
				t.Errorf("docker %s: %s", kind, left)
			}
		}
	})
}

// sized holds the image to its size, and to what belongs to every image.
func sized(t *testing.T, part string) {
	t.Helper()
	image := "newsfeed/" + part
	size, err := strconv.ParseFloat(inspect(t, "{{.Size}}", image), 64)
	if err != nil {
		t.Fatal(err)
	}
	most := float64(serviceMB)
	if part == "redis" {
		most = redisMB
	}
	t.Logf("image %.1f MB", size/1e6)
	if size/1e6 > most {
		t.Errorf("the image has %.1f MB, want at most %.0f", size/1e6, most)
	}
	if got := inspect(t, "{{.Config.Entrypoint}} {{.Config.User}} {{.Config.StopSignal}}", image); got != "[] 65532:65532 SIGTERM" {
		t.Errorf("entrypoint, user and stop signal: %s", got)
	}
	history := docker(t, "history", "--no-trunc", "-q=false", image) + inspect(t, "{{json .Config}}", image)
	if strings.Contains(history, "development") {
		t.Errorf("the image holds a password: %s", history)
	}
	if part == "redis" {
		return
	}
	for name, want := range map[string]string{"version": version, "revision": commit, "title": image} {
		if got := inspect(t, `{{index .Config.Labels "org.opencontainers.image.`+name+`"}}`, image); got != want {
			t.Errorf("label %s is %q, want %q", name, got, want)
		}
	}
	said := docker(t, "run", "--rm", image, part, "--version")
	if want := fmt.Sprintf("%s %s (commit %s, go", part, version, commit); !strings.HasPrefix(said, want) {
		t.Errorf("--version says %q, want %s…", said, want)
	}
}

// confined holds a container to what it may do and use.
func confined(t *testing.T, s *stack, part string) {
	t.Helper()
	var c struct {
		HostConfig struct {
			ReadonlyRootfs       bool
			Privileged           bool
			CapDrop, SecurityOpt []string
			Memory               int64
			RestartPolicy        struct{ Name string }
			LogConfig            struct {
				Type   string
				Config map[string]string
			}
			PortBindings map[string][]struct{ HostIP, HostPort string }
		}
	}
	if err := json.Unmarshal([]byte(inspect(t, "{{json .}}", s.name(part))), &c); err != nil {
		t.Fatal(err)
	}
	h := c.HostConfig
	if !h.ReadonlyRootfs || h.Privileged || !slices.Equal(h.CapDrop, []string{"ALL"}) || !slices.Contains(h.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("it may do more than it needs: %+v", h)
	}
	if h.Memory == 0 || h.RestartPolicy.Name != "unless-stopped" || h.LogConfig.Config["max-size"] == "" || h.LogConfig.Config["max-file"] == "" {
		t.Errorf("it is not bounded, or not restarted: %+v", h)
	}
	for port, bindings := range h.PortBindings {
		for _, b := range bindings {
			if b.HostIP != "127.0.0.1" {
				t.Errorf("port %s is published on %q", port, b.HostIP)
			}
		}
	}
}

// reachable opens a shell in the container, at a terminal, and one in a new
// container of the same image.
func reachable(t *testing.T, s *stack, part string) {
	t.Helper()
	for _, command := range []string{
		"docker exec -it " + s.name(part) + " sh", "docker run --rm -it newsfeed/" + part + " sh",
	} {
		cmd := exec.Command("script", "-qec", command, "/dev/null")
		cmd.Stdin = strings.NewReader("echo here-$((6*7)); tty\nexit\n")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "here-42") || !strings.Contains(string(out), "/dev/pts/") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

// passing watches a comment's events in the Redis container as the course does.
func passing(s *stack) {
	s.t.Helper()
	post := s.newPost("Hello")
	type seen struct {
		out []byte
		err error
	}
	results := make(chan seen, 2)
	for _, owner := range []string{"comments", "moderator"} {
		watch := exec.CommandContext(s.t.Context(), "docker", "exec", s.name("redis"), "sh", "-c",
			`for last in '$' 0; do redis-cli XREAD BLOCK 10000 STREAMS "{`+owner+`}:events" $last; sleep 1; done`)
		go func() {
			out, err := watch.CombinedOutput()
			results <- seen{out, err}
		}()
	}
	s.eventually(10*time.Second, "both wait", func() string {
		if got := strings.Count(s.operator("CLIENT", "LIST"), "cmd=xread "); got < 2 {
			return fmt.Sprint(got)
		}
		return ""
	})
	comment := s.comment(post.ID, "nice post")
	s.becomes(post.ID, comment.ID, "approved")
	all := ""
	for range 2 {
		r := <-results
		if r.err != nil {
			s.t.Fatalf("%v\n%s", r.err, r.out)
		}
		all += string(r.out)
	}
	for _, typ := range []string{"CommentCreated", "CommentModerated", "CommentUpdated"} {
		if !strings.Contains(all, "type\n"+typ+"\n") {
			s.t.Errorf("no %s passed:\n%s", typ, all)
		}
	}
	if status, page, err := s.ask("GET", s.url("frontend")+"/api/query/posts", ""); status != http.StatusOK || !strings.Contains(page, "nice post") {
		s.t.Errorf("through the front end: %d %v %s", status, err, page)
	}
}

// atRest measures all containers when nobody asks anything of them.
func atRest(t *testing.T, s *stack) {
	t.Helper()
	ids := strings.Fields(docker(t, "ps", "-q", "--filter", "label=com.docker.compose.project="+s.project))
	out := docker(t, append([]string{"stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"}, ids...)...)
	sum := 0.0
	for _, m := range regexp.MustCompile(`(?m)^\S+ ([\d.]+)(KiB|MiB|GiB) `).FindAllStringSubmatch(out, -1) {
		n, _ := strconv.ParseFloat(m[1], 64)
		sum += n * map[string]float64{"KiB": 1.0 / 1024, "MiB": 1, "GiB": 1024}[m[2]]
	}
	t.Logf("%d containers at rest: %.0f MiB\n%s", len(ids), sum, out)
	if sum == 0 || sum > restMiB {
		t.Errorf("%.0f MiB at rest, want at most %d", sum, restMiB)
	}
}

// Two replicas share the work, and only the front end has a port.
func TestScale(t *testing.T) {
	s := newStack(t, "docker-compose.scale.yml")
	s.up("--scale", "comments=2", "--scale", "query=2")
	api := s.url("frontend") + "/api"
	post := decode[made](t, s.must(http.StatusCreated, "POST", api+"/posts/posts", `{"title":"Scale"}`))
	var ids []string
	for i := range 20 {
		c := decode[made](t, s.must(http.StatusCreated, "POST", api+"/comments/posts/"+post.ID+"/comments", fmt.Sprintf(`{"content":"fine %d"}`, i)))
		ids = append(ids, c.ID)
	}
	s.eventually(30*time.Second, "all are approved", func() string {
		got := s.statuses(api + "/query/posts/" + post.ID + "/comments?limit=100")
		for _, id := range ids {
			if got[id] != "approved" {
				return fmt.Sprintf("%s is %q", id, got[id])
			}
		}
		return ""
	})
	for _, reading := range []struct{ group, stream string }{{"comments", "{posts}:events"}, {"query", "{comments}:events"}} {
		consumers := s.operator("XINFO", "CONSUMERS", reading.stream, reading.group)
		if got := len(regexp.MustCompile(`(?m)^name$`).FindAllString(consumers, -1)); got != 2 {
			t.Errorf("%d consumers of %s on %s, want 2", got, reading.group, reading.stream)
		}
	}
}
