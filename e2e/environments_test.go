package e2e

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"newsfeed/internal/bustest"
)

// nobody is a user that owns nothing; only root can become another one.
const nobody = 65534

// The odd places in which newsfeed up is started. Each has a Redis of its own, goes
// through the whole journey, and ends with nothing left behind.
func TestUp_OddEnvironments(t *testing.T) {
	t.Parallel()
	path := "PATH=" + os.Getenv("PATH")
	const dead = "http://127.0.0.1:9"
	for _, tt := range []struct {
		name  string
		env   []string
		shell string // what a shell does before it becomes the program
	}{
		{"umask 077", []string{path}, "umask 077"},
		{"umask 000", []string{path}, "umask 000"},
		{"dead proxies", []string{path, "HTTP_PROXY=" + dead, "HTTPS_PROXY=" + dead, "http_proxy=" + dead, "https_proxy=" + dead, "ALL_PROXY=" + dead, "NO_PROXY=", "no_proxy="}, ":"},
		{"few open files", []string{path}, "ulimit -n 256"},
		{"Turkish locale, far time zone", []string{path, "LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8", "TZ=Pacific/Kiritimati"}, ":"},
		{"unknown locale and time zone", []string{path, "LC_ALL=xx_XX", "TZ=Nowhere/Land"}, ":"},
		{"no home, no temporary folder", []string{path, "HOME=/nonexistent", "TMPDIR=/nonexistent"}, ":"},
		{"no standard input", []string{path}, "exec <&-"},
		{"no standard output", []string{path}, "exec >&-"},
		{"little memory for Go", []string{path, "GOMEMLIMIT=64MiB"}, ":"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := t.TempDir()
			u := upWith(t, freeOffset(t), tt.env, tt.shell, "--data-dir", data)
			u.ready()
			u.journey()
			if err := u.end(syscall.SIGTERM); err != nil {
				t.Errorf("SIGTERM: %v, want exit code 0", err)
			}
			if !u.redisGone() {
				t.Error("Redis outlives newsfeed up")
			}
		})
	}
}

// upWith starts newsfeed up by way of a shell that changes its surroundings first.
func upWith(t *testing.T, offset int, env []string, before string, args ...string) *allInOne {
	t.Helper()
	u := &allInOne{t: t, offset: offset, exited: make(chan error, 1)}
	all := append([]string{"-c", before + ` && exec "$@"`, "sh", filepath.Join(programs, "newsfeed"), "--port-offset", strconv.Itoa(offset)}, args...)
	u.cmd = exec.Command("/bin/sh", all...)
	u.cmd.Env = env
	u.cmd.Stdout, u.cmd.Stderr = &u.out, &u.out
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { u.exited <- u.cmd.Wait() }()
	t.Cleanup(func() {
		u.close()
		if t.Failed() {
			t.Logf("newsfeed up says:\n%s", u.out.String())
		}
	})
	return u
}

// ready waits until newsfeed health says so.
func (u *allInOne) ready() {
	u.t.Helper()
	bustest.Eventually(u.t, patience, "newsfeed health is content", func() bool {
		cmd := exec.CommandContext(u.t.Context(), filepath.Join(programs, "newsfeed"), "health", "--port-offset", strconv.Itoa(u.offset))
		return cmd.Run() == nil
	})
}

// refused returns what newsfeed up says when it does not start, which must be one
// line, and its exit code.
func refused(t *testing.T, cmd *exec.Cmd) (said string, code int) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("it started; want a refusal. It says:\n%s", out)
	}
	said = strings.TrimSpace(string(out))
	if strings.Contains(said, "\n") {
		t.Errorf("more than one line:\n%s", said)
	}
	return said, cmd.ProcessState.ExitCode()
}

// A data folder is the same folder by whatever name it is reached.
func TestUp_DataBehindSymlink_AdoptsItsRedis(t *testing.T) {
	t.Parallel()
	offset, env := freeOffset(t), []string{"PATH=" + os.Getenv("PATH")}
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("data", link); err != nil {
		t.Fatal(err)
	}
	u := up(t, offset, env, "--data-dir", link)
	u.says("Newsfeed is ready")
	post := u.journey()
	u.kill()
	if u.redisGone() {
		t.Fatal("Redis is gone after kill -9, so there is nothing to adopt")
	}
	u = up(t, offset, env, "--data-dir", link)
	u.says("Newsfeed is ready")
	if !u.shows(post) {
		t.Error("the post is gone")
	}
	if err := u.end(syscall.SIGTERM); err != nil || !u.redisGone() {
		t.Errorf("end: %v, Redis gone: %v", err, u.redisGone())
	}
}

// Neither a reader that goes (| head -1) nor a terminal that is closed orphans Redis.
func TestUp_LosesItsTerminal_EndsItsRedis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		lost syscall.Signal
	}{{"output closed, then SIGTERM", syscall.SIGTERM}, {"SIGHUP", syscall.SIGHUP}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := &allInOne{t: t, offset: freeOffset(t), exited: make(chan error, 1)}
			u.cmd = exec.Command(filepath.Join(programs, "newsfeed"), "--port-offset", strconv.Itoa(u.offset), "--data-dir", t.TempDir())
			u.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LOG_LEVEL=info"}
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			u.cmd.Stdout, u.cmd.Stderr = write, write
			if err := errors.Join(u.cmd.Start(), write.Close()); err != nil {
				t.Fatal(err)
			}
			go func() { u.exited <- u.cmd.Wait() }()
			t.Cleanup(u.close)
			if _, err := read.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := read.Close(); err != nil {
				t.Fatal(err)
			}
			u.ready()
			u.journey()
			if err := u.end(tt.lost); err != nil {
				t.Errorf("it ended with %v, want exit code 0", err)
			}
			if !u.redisGone() {
				t.Error("Redis is left behind")
			}
		})
	}
}

// Why redis-server does not start is said in its own words.
func TestUp_RedisFails_ItsReasonIsShown(t *testing.T) {
	t.Parallel()
	command := func(t *testing.T, path, data string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "newsfeed"), "--port-offset", strconv.Itoa(freeOffset(t)), "--data-dir", data)
		cmd.Env = []string{"PATH=" + path}
		return cmd
	}
	t.Run("before it opens its log", func(t *testing.T) {
		data := t.TempDir()
		if err := os.Mkdir(filepath.Join(data, "redis.log"), 0o700); err != nil {
			t.Fatal(err)
		}
		said, _ := refused(t, command(t, os.Getenv("PATH"), data))
		if !strings.Contains(said, "redis-server ended at once") || !strings.Contains(said, "log file") {
			t.Errorf("it says %q, want Redis's own reason", said)
		}
	})
	t.Run("a program that only prints", func(t *testing.T) {
		bin, data := t.TempDir(), t.TempDir()
		script := "#!/bin/sh\necho 'cannot load libsomething.so' >&2\nexit 127\n"
		if err := os.WriteFile(filepath.Join(bin, "redis-server"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		said, _ := refused(t, command(t, bin, data))
		if !strings.Contains(said, "cannot load libsomething.so") || strings.Contains(said, "redis.log") {
			t.Errorf("it says %q, want what the program printed, and no log that does not exist", said)
		}
	})
	t.Run("a full disk", func(t *testing.T) {
		d := newDisk(t)
		if err := d.fill(); err != nil {
			t.Fatal(err)
		}
		said, _ := refused(t, command(t, os.Getenv("PATH"), d.dir))
		if !strings.Contains(said, "No space left on device") && !strings.Contains(said, "no space left on device") {
			t.Errorf("it says %q, want that no space is left", said)
		}
	})
}

// A port is in use only where it is, and by what.
func TestUp_PortOfRedisTaken(t *testing.T) {
	t.Parallel()
	redisPort := func(t *testing.T, password string) int {
		server := bustest.Start(t)
		if err := server.Client().ConfigSet(t.Context(), "requirepass", password).Err(); err != nil {
			t.Fatal(err)
		}
		return server.Port
	}
	for _, tt := range []struct {
		name   string
		occupy func(t *testing.T) (port int)
		want   string
	}{
		{"by a Redis with a password", func(t *testing.T) int { return redisPort(t, "secret") }, "by a Redis that requires a password"},
		{"by a Redis of someone else", func(t *testing.T) int { return redisPort(t, "") }, "by a Redis with its data in"},
		{"by a program that hangs up", hangingUp, "by something that does not answer as Redis does"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The services would need ports too, and are left out.
			cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "newsfeed"), "--port-offset", strconv.Itoa(tt.occupy(t)-6380),
				"--without", "frontend,posts,comments,moderator,query,eventbus", "--data-dir", t.TempDir())
			cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
			if said, _ := refused(t, cmd); !strings.Contains(said, "is in use: "+tt.want) {
				t.Errorf("it says %q, want %q", said, tt.want)
			}
		})
	}
}

// hangingUp listens on a port and closes every connection.
func hangingUp(t *testing.T) int {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			_ = c.Close()
		}
	}()
	addr, _ := l.Addr().(*net.TCPAddr)
	return addr.Port
}

// asNobody lets a command run as another user, with the programs where that user
// can reach them.
func asNobody(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	bin, err := os.MkdirTemp("/tmp", "newsfeed-nobody-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(bin) })
	program := filepath.Join(bin, filepath.Base(args[0]))
	text, err := os.ReadFile(filepath.Join(programs, filepath.Base(args[0])))
	if err == nil {
		err = errors.Join(os.WriteFile(program, text, 0o755), os.Chmod(bin, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

func TestUp_OtherUser_UnwritableData(t *testing.T) {
	t.Parallel()
	said, code := refused(t, asNobody(t, "newsfeed", "--port-offset", strconv.Itoa(freeOffset(t)), "--data-dir", "/root/newsfeed-data"))
	for _, want := range []string{"user 65534 may not write to /root/newsfeed-data", "chown -R 65534"} {
		if !strings.Contains(said, want) {
			t.Errorf("it says %q, want %q in it", said, want)
		}
	}
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}

func TestListen_WhyNot(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, addr, want string }{
		{"port below 1024", "127.0.0.1:81", "this user may not listen on port 81"},
		{"address of another machine", "192.0.2.77:5001", "this machine has no address 192.0.2.77"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := asNobody(t, "frontend")
			cmd.Env = append(cmd.Env, "LISTEN_ADDR="+tt.addr, "LOG_LEVEL=error")
			said, _ := refused(t, cmd)
			if !strings.Contains(said, tt.want) || strings.Contains(said, "is in use") {
				t.Errorf("it says %q, want %q", said, tt.want)
			}
		})
	}
}

// One family of addresses is enough.
func TestUp_OneAddressFamily(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	for _, tt := range []struct{ name, setUp, host string }{
		{"no IPv6", "ip -6 address del ::1/128 dev lo", "127.0.0.1"},
		{"no IPv4", "ip -6 address add ::1/128 dev lo; ip -4 address flush dev lo", "[::1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", "PATH=$PATH:/sbin:/usr/sbin; "+tt.setUp)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			u := up(t, 20_000, []string{"PATH=" + os.Getenv("PATH"), "PUBLIC_URL=http://" + tt.host + ":23000"}, "--data-dir", t.TempDir())
			u.host = tt.host
			u.says("Newsfeed is ready")
			u.ready()
			u.journey()
			if err := u.end(syscall.SIGTERM); err != nil {
				t.Errorf("SIGTERM: %v, want exit code 0", err)
			}
		})
	}
}
