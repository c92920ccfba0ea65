//go:build containers

package containers

import (
	"crypto/rand"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"newsfeed/e2e/walkthrough"
)

// The walkthroughs, executed as written: every block, in order, in one shell, and
// what each prints compared with what the text says.
func TestWalkthroughs(t *testing.T) {
	foreign := newForeign(t)
	for _, file := range []string{"docker-redis/README.md", "README.md"} {
		t.Run(file, func(t *testing.T) {
			t.Cleanup(func() { sweep(t) })
			texts().Run(t, root, file, walkthrough.Blocks(readFile(t, file), walkthroughs()[file]))
		})
	}
	foreign.check(t)
}

// sweep removes what a walkthrough that broke off has left.
func sweep(t *testing.T) {
	t.Helper()
	for _, kind := range [][]string{
		{"docker ps -aq", "docker rm -fv"}, {"docker network ls -q", "docker network rm"}, {"docker volume ls -q", "docker volume rm"},
	} {
		for _, label := range labels() {
			script := kind[0] + " --filter label=" + label + " | xargs -r " + kind[1]
			if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", script, err, out)
			}
		}
	}
}

// foreign is a container that runs, one that has ended, and an image, of somebody
// who has nothing to do with this project.
type foreign struct{ running, ended, image string }

func newForeign(t *testing.T) foreign {
	t.Helper()
	f := foreign{image: "foreign/image:" + strings.ToLower(rand.Text()[:8])}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/Dockerfile", []byte("FROM debian:trixie-slim\nLABEL of=somebody\nCMD [\"sleep\", \"3600\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	docker(t, "build", "-q", "-t", f.image, dir)
	f.running = docker(t, "run", "-d", "--init", f.image)
	f.ended = docker(t, "run", "-d", f.image, "true")
	t.Cleanup(func() {
		docker(t, "rm", "-f", f.running, f.ended)
		docker(t, "rmi", f.image)
	})
	return f
}

func (f foreign) check(t *testing.T) {
	t.Helper()
	ids := strings.Fields(docker(t, "ps", "-aq", "--no-trunc"))
	for _, id := range []string{f.running, f.ended} {
		if !slices.Contains(ids, id) {
			t.Errorf("the foreign container %s is gone", id)
		}
	}
	if got := inspect(t, "{{.State.Status}}", f.running); got != "running" {
		t.Errorf("the foreign container is %s", got)
	}
	if docker(t, "images", "-q", f.image) == "" {
		t.Errorf("the foreign image is gone")
	}
}
