//go:build containers

package containers

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The classic builder makes the same of the Dockerfiles as BuildKit does.
func TestClassicBuilder(t *testing.T) {
	for _, part := range append([]string{"redis", "newsfeed"}, parts()...) {
		folder := root
		if part == "redis" {
			folder = filepath.Join(root, "docker-redis")
		}
		cmd := exec.Command("docker", "build", "-q", "-t", "newsfeed-classic/"+part, "-f", filepath.Join(root, dockerfile(part)), folder)
		cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
		begin := time.Now()
		output(t, cmd)
		t.Logf("%s in %s", part, time.Since(begin).Round(time.Second))
		t.Cleanup(func() { docker(t, "rmi", "-f", "newsfeed-classic/"+part) })
		if part == "redis" || part == "newsfeed" {
			continue
		}
		if got := docker(t, "run", "--rm", "newsfeed-classic/"+part, part, "--version"); !strings.HasPrefix(got, part+" dev (") {
			t.Errorf("%s says %q", part, got)
		}
	}
	t.Run("all in one", allInOne)
}

// allInOne is the one container that holds everything, on a machine whose proxy is down.
func allInOne(t *testing.T) {
	id := docker(t, "run", "-d", "--cap-drop", "ALL", "-p", "127.0.0.1:0:3000",
		"-e", "HTTP_PROXY="+deadProxy, "-e", "http_proxy="+deadProxy, "newsfeed-classic/newsfeed")
	t.Cleanup(func() { docker(t, "rm", "-fv", id) })
	s := &stack{t: t, client: &http.Client{Timeout: 10 * time.Second}}
	s.eventually(time.Minute, "the all in one is healthy", func() string {
		if got := inspect(t, "{{.State.Health.Status}}", id); got != "healthy" {
			return got
		}
		return ""
	})
	api := "http://" + docker(t, "port", id, "3000") + "/api"
	post := decode[made](t, s.must(http.StatusCreated, "POST", api+"/posts/posts", `{"title":"One"}`))
	docker(t, "kill", id)
	docker(t, "start", id)
	api = "http://" + docker(t, "port", id, "3000") + "/api"
	s.eventually(time.Minute, "the post is still there", func() string {
		status, text, err := s.ask("GET", api+"/query/posts/"+post.ID, "")
		if status != http.StatusOK {
			return fmt.Sprint(status, text, err)
		}
		return ""
	})
	docker(t, "stop", id)
	if got := inspect(t, "{{.State.ExitCode}}", id); got != "0" {
		t.Errorf("ended with %s", got)
	}
}

func TestOtherArchitecture(t *testing.T) {
	other := map[string]string{"amd64": "arm64"}[runtime.GOARCH]
	if other == "" {
		other = "amd64"
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", t.TempDir()+string(filepath.Separator), "./cmd/...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOARCH="+other, "CGO_ENABLED=0")
	output(t, cmd)
}
