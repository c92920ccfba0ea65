// Package e2e tests the whole system from outside: the real programs, two
// replicas of each service, on a Redis of their own, over HTTP. It has tests only.
package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// services are the programs under test.
var services = []string{"posts", "comments", "moderator", "query"}

// doors are the programs of which one is enough: they keep nothing of their own
// that the services need, or are all of them in one.
var doors = []string{"eventbus", "frontend", "newsfeed"}

// programs is the folder that the programs are built into, once for all tests.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// programsVariable names a folder with programs that have been built already, for a
// run of these tests within another.
const programsVariable = "NEWSFEED_E2E_PROGRAMS"

// programsPrefix is how the folders of the programs begin, before the id of the
// process that they are of.
const programsPrefix = "newsfeed-e2e-"

// removeLeftBehind removes the folders of runs that came to no end of their own.
func removeLeftBehind() {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), programsPrefix+"*-*")) // the pattern is right
	for _, dir := range found {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), programsPrefix), "-")
		if pid, err := strconv.Atoi(text); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
}

func run(m *testing.M) int {
	if err := loadDocuments(); err != nil {
		return failed("read the OpenAPI documents", err)
	}
	if programs = os.Getenv(programsVariable); programs == "" {
		dir, err := buildPrograms()
		defer func() { _ = os.RemoveAll(dir) }()
		if err != nil {
			return failed("build the programs", err)
		}
		programs = dir
	}
	if code := m.Run(); code != 0 {
		return code
	}
	if err := allExercised(); err != nil {
		return failed("exercise the OpenAPI documents", err)
	}
	return 0
}

// buildPrograms makes a folder for the programs and builds them into it.
func buildPrograms() (string, error) {
	removeLeftBehind()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", programsPrefix, os.Getpid()))
	if err != nil {
		return "", err
	}
	args := append([]string{"build", "-buildvcs=false", "-o", dir + string(filepath.Separator)}, buildFlags...)
	for _, name := range append(slices.Clone(services), doors...) {
		args = append(args, "../cmd/"+name)
	}
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
}

func failed(what string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	return 1
}
