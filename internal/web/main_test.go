package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"newsfeed/internal/web"
)

func TestExitCode(t *testing.T) {
	wrong := &web.ConfigError{Variable: "X", Err: errors.New("must be set")}
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {wrong, 2}, {fmt.Errorf("posts: %w", errors.Join(errors.New("x"), wrong)), 2},
	} {
		if got := web.ExitCode(tt.err); got != tt.want {
			t.Errorf("ExitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

// TestMain lets the test binary be the program under test.
func TestMain(m *testing.M) {
	how := os.Getenv("WEB_TEST_MAIN")
	if how == "" {
		os.Exit(m.Run())
	}
	run := func(ctx context.Context, environ map[string]string) error {
		switch environ["WEB_TEST_MAIN"] {
		case "config":
			return &web.ConfigError{Variable: "EDIT_KEY", Err: errors.New("must be set")}
		case "fail":
			return errors.New("port 5001 is in use")
		case "cancelled":
			return context.Canceled
		}
		fmt.Println("up")
		<-ctx.Done()
		return fmt.Errorf("waiting for Redis: %w", ctx.Err())
	}
	web.Main(web.Program{Name: "posts", Port: 5001, Run: run})
}

func TestMainExits(t *testing.T) {
	for _, tt := range []struct {
		how    string
		signal os.Signal
		code   int
		stderr string
	}{
		{"config", nil, 2, "posts: EDIT_KEY must be set\n"},
		{"fail", nil, 1, "posts: port 5001 is in use\n"},
		{"cancelled", nil, 1, "posts: context canceled\n"},
		{"wait", syscall.SIGTERM, 0, ""},
		{"wait", os.Interrupt, 0, ""},
	} {
		t.Run(tt.how, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), "WEB_TEST_MAIN="+tt.how)
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if tt.signal != nil {
				if _, err := stdout.Read(make([]byte, 3)); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Process.Signal(tt.signal); err != nil {
					t.Fatal(err)
				}
			}
			err = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != tt.code || stderr.String() != tt.stderr {
				t.Errorf("exit %d (%v), said %q; want %d, %q", got, err, stderr.String(), tt.code, tt.stderr)
			}
			if strings.Count(stderr.String(), "\n") > 1 {
				t.Errorf("more than one line: %q", stderr.String())
			}
		})
	}
}

func TestMainVersion(t *testing.T) {
	const stamp = "-X newsfeed/internal/web.version=1.2.3 -X newsfeed/internal/web.commit=0123abc"
	bin := filepath.Join(t.TempDir(), "posts")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags", stamp, "-o", bin, "newsfeed/cmd/posts").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	got, err := exec.CommandContext(t.Context(), bin, "--version").Output()
	want := fmt.Sprintf("posts 1.2.3 (commit 0123abc, %s %s/%s)\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if err != nil || string(got) != want {
		t.Errorf("%v, %q; want %q", err, got, want)
	}
}
