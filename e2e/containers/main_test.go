//go:build containers

package containers

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// What the images under test say of themselves.
const version, commit = "e2e", "0123abc"

// TestMain builds the images, once for all tests.
func TestMain(m *testing.M) {
	for _, needed := range [][]string{
		{"docker", "version", "--format", "{{.Server.Version}}"},
		{"docker", "compose", "version", "--short"},
		{"docker", "buildx", "version"},
	} {
		if out, err := exec.Command(needed[0], needed[1:]...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "make e2e needs a running Docker engine with Compose 2.24 or later and buildx; "+
				"%v says %v: %s\n", needed, err, out)
			os.Exit(1)
		}
	}
	begin := time.Now()
	build := exec.Command("docker", "compose", "build", "--quiet")
	build.Dir = root
	build.Env = append(os.Environ(), "VERSION="+version, "COMMIT="+commit)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "docker compose build: %v\n%s", err, out)
		os.Exit(1)
	}
	fmt.Printf("images built in %s\n", time.Since(begin).Round(time.Second))
	os.Exit(m.Run())
}
