package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bustest"
)

// disk is a small file system of its own.
type disk struct{ dir, filler string }

// newDisk mounts one of 16 MiB until the end of the test.
func newDisk(t *testing.T) disk {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("a small disk to fill is a tmpfs, which takes Linux and root to mount")
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a tmpfs cannot be mounted here: %v: %s", err, strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount %s: %v: %s", dir, err, out)
		}
	})
	return disk{dir, filepath.Join(dir, "filler")}
}

// fill leaves no room.
func (d disk) fill() error {
	f, err := os.OpenFile(d.filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size > 0; {
		switch _, err := f.Write(make([]byte, size)); {
		case errors.Is(err, syscall.ENOSPC):
			size /= 4
		case err != nil:
			return err
		}
	}
	return nil
}

// clear makes room again.
func (d disk) clear() error { return os.Remove(d.filler) }

// Under everysec, Redis refuses writes while its disk is full, and goes on by
// itself.
func TestDiskFullUnderEverysec(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := startSystemOn(t, bustest.StartIn(t, d.dir, "--appendfsync", "everysec"))
	p := s.newPost("Before")
	s.awaitStatus(s.newComment(p.ID, "Before", "Bea"), "approved")
	poke := func(ctx context.Context, what string, ok func(error) bool) {
		client := s.redis.Client()
		s.eventually(what, func() string {
			if err := client.Set(ctx, "poke", strings.Repeat("x", 8<<10), 0).Err(); !ok(err) {
				return errors.Join(errors.New("the answer is"), err).Error()
			}
			return ""
		})
	}
	s.endure(t, p, trouble{"a full disk", func(ctx context.Context, _ *system) error {
		err := d.fill()
		poke(ctx, "Redis notices that its disk is full", func(err error) bool { return redis.HasErrorPrefix(err, "MISCONF") })
		return err
	}, func(ctx context.Context, _ *system) error {
		err := d.clear()
		poke(ctx, "Redis notices that there is room", func(err error) bool { return err == nil })
		return err
	}, http.StatusOK, "MISCONF"})
}

// Under always, Redis ends when its disk is full rather than forget what it
// answered. The services wait for it.
func TestDiskFullUnderAlways(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	s := startSystemOn(t, bustest.StartIn(t, d.dir))
	p := s.newPost("Before")
	s.awaitStatus(s.newComment(p.ID, "Before", "Bea"), "approved")
	waiting := s.leaveWork(p, 20)
	if err := d.fill(); err != nil {
		t.Fatal(err)
	}
	s.signal("moderator", syscall.SIGCONT)
	client := s.redis.Client()
	var accepted []comment
	s.eventually("Redis ends", func() string {
		a, err := s.once(commenting(p.ID, strings.Repeat("long ", 900), "Bea"))
		if err == nil && a.status == http.StatusCreated {
			c := read[comment](s, a)
			c.PostID = p.ID
			accepted = append(accepted, c)
		}
		if err := client.Ping(t.Context()).Err(); !errors.Is(err, syscall.ECONNREFUSED) {
			return "it answers"
		}
		return ""
	})
	before := s.logs()
	s.refuses(t, p, http.StatusServiceUnavailable)
	s.stays(t, 5*time.Second, p)
	for process, said := range s.since(before) {
		if lines := strings.Count(said, "\n"); lines > 20 {
			t.Errorf("%s: %d lines in the log:\n%.3000s", process.env["INSTANCE"], lines, said)
		}
	}
	if err := d.clear(); err != nil {
		t.Fatal(err)
	}
	s.redis.Kill() // of which nothing is left but its exit status
	s.redis.Restart()
	s.ready(services...)
	for _, c := range waiting {
		s.awaitStatus(c, "approved")
	}
	for _, c := range accepted {
		s.must(http.StatusOK, request{service: "comments", path: "/comments/" + c.ID})
	}
	s.awaitStatus(s.newComment(s.newPost("After").ID, "After", "Bea"), "approved")
}
