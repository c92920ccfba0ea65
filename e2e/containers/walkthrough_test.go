//go:build containers

package containers

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The walkthroughs, executed as written: every block, in order, in one shell, and
// what each prints compared with what the text says.
func TestWalkthroughs(t *testing.T) {
	foreign := newForeign(t)
	for _, file := range []string{"docker-redis/README.md", "README.md"} {
		t.Run(file, func(t *testing.T) {
			all := blocks(readFile(t, file), walkthroughs()[file])
			t.Cleanup(func() { sweep(t) })
			said, words := 0, 0
			for i, got := range execute(t, file, all) {
				b := all[i]
				if !b.agrees(got.out) {
					t.Errorf("%s:%d prints\n%s\nand the text says\n%s", file, b.line, normal(got.out), normal(b.want))
					continue
				}
				if !b.said {
					if got.code != 0 {
						t.Errorf("%s:%d ends with %d:\n%s", file, b.line, got.code, got.out)
					}
					continue
				}
				said++
				unnoticed := b.wrongWords(got.out)
				words += len(regexp.MustCompile(`[A-Za-z]{3,}`).FindAllString(b.want, -1))
				if len(unnoticed) > 0 {
					t.Errorf("%s:%d: nobody would notice if these words were others: %q", file, b.line, unnoticed)
				}
			}
			t.Logf("%d blocks, %d of them say what they print; each of their %d words counts", len(all), said, words)
		})
	}
	foreign.check(t)
}

type printed struct {
	out  string
	code int
}

// execute runs the blocks in one shell in the project's folder.
func execute(t *testing.T, file string, all []block) []printed {
	t.Helper()
	mark := "mark-" + rand.Text()
	var script strings.Builder
	for _, b := range all {
		fmt.Fprintf(&script, "%s\nprintf '\\n%s %%d\\n' $?\n", strings.TrimRight(b.commands, "\n"), mark)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir = root
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	var results []printed
	rest := string(out)
	for _, m := range regexp.MustCompile(`\n`+mark+` (\d+)\n`).FindAllStringSubmatchIndex(rest, -1) {
		code, _ := strconv.Atoi(rest[m[2]:m[3]])
		begin := 0
		if len(results) > 0 {
			begin = strings.LastIndex(rest[:m[0]], "\n"+mark)
			begin += 1 + strings.IndexByte(rest[begin+1:], '\n') + 1
		}
		results = append(results, printed{rest[begin:m[0]], code})
	}
	if len(results) != len(all) {
		t.Errorf("%s: %d of %d blocks were executed (%v):\n%s", file, len(results), len(all), err, rest[max(0, len(rest)-2000):])
	}
	return results
}

// sweep removes what a walkthrough that broke off has left.
func sweep(t *testing.T) {
	t.Helper()
	for _, kind := range [][]string{
		{"docker ps -aq", "docker rm -fv"}, {"docker network ls -q", "docker network rm"}, {"docker volume ls -q", "docker volume rm"},
	} {
		for _, label := range []string{"newsfeed.course", "com.docker.compose.project=newsfeed"} {
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
