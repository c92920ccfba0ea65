//go:build containers

package containers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the images under test say of themselves.
const version, commit = "e2e", "0123abc"

// labels are those of what the walkthroughs make, and of what is swept after them.
func labels() []string { return []string{"newsfeed.course", "com.docker.compose.project=newsfeed"} }

// TestMain looks for an engine that has nothing of the walkthroughs' names, which
// they would delete, and builds the images, once for all tests.
func TestMain(m *testing.M) {
	code := 1
	if lock, err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
		_ = lock.Close()
	}
	os.Exit(code)
}

// prepare returns the lock that keeps another run away.
func prepare() (*os.File, error) {
	for _, needed := range [][]string{
		{"docker", "version", "--format", "{{.Server.Version}}"},
		{"docker", "compose", "version", "--short"},
		{"docker", "buildx", "version"},
	} {
		if out, err := exec.Command(needed[0], needed[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("make e2e needs a running Docker engine with Compose 2.24 or later and buildx; %v says %w: %s", needed, err, out)
		}
	}
	lock, err := alone()
	if err != nil {
		return nil, err
	}
	if err := nothingToLose(); err != nil {
		return nil, err
	}
	// Not the .env of the folder, whose secrets nobody here knows.
	if err := os.Setenv("COMPOSE_ENV_FILES", os.DevNull); err != nil {
		return nil, err
	}
	begin := time.Now()
	build := exec.Command("docker", "compose", "build", "--quiet")
	build.Dir = root
	build.Env = append(os.Environ(), "VERSION="+version, "COMMIT="+commit)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("docker compose build: %w\n%s", err, out)
	}
	fmt.Printf("images built in %s\n", time.Since(begin).Round(time.Second))
	return lock, nil
}

// alone takes the lock that one run on a machine can have; it ends with the process.
func alone() (*os.File, error) {
	path := filepath.Join(os.TempDir(), "newsfeed-e2e-containers.lock")
	// To read is enough, and works with the file of another user, too.
	lock, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		lock, err = os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o644)
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("make e2e runs already on this machine, and two runs would take each other's containers: %s: %w", path, err)
	}
	return lock, nil
}

// nothingToLose refuses where somebody has a feed of their own under the name of the
// compose file, or is on their way through the course.
func nothingToLose() error {
	for _, kind := range []string{"docker ps -aq", "docker volume ls -q", "docker network ls -q"} {
		for _, label := range labels() {
			args := append(strings.Fields(kind), "--filter", "label="+label)
			out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
			}
			if found := strings.Fields(string(out)); len(found) > 0 {
				return fmt.Errorf("make e2e would delete what is here already, %s of `%s`: "+
					"move it to another engine, or delete it with make down ARGS=-v or, of the course, docker rm -fv",
					strings.Join(found, ", "), strings.Join(args, " "))
			}
		}
	}
	return nil
}
