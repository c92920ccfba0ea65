// Package bustest gives tests a real Redis of their own, to be killed and
// started again at will, and a proxy that spoils the way to it.
package bustest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a redis-server process on a free port of 127.0.0.1, with its data in
// a directory of the test. It is ended with the test.
type Redis struct {
	Port int
	Dir  string

	t       testing.TB
	program string
	args    []string
	cmd     *exec.Cmd
	exited  chan struct{} // closed once cmd has ended
}

// Start runs redis-server with an append-only file that is synced at every
// write, and further arguments such as "--cluster-enabled", "yes".
func Start(t testing.TB, args ...string) *Redis {
	t.Helper()
	return StartIn(t, t.TempDir(), args...)
}

// StartIn is Start with the data in a directory that exists.
func StartIn(t testing.TB, dir string, args ...string) *Redis {
	t.Helper()
	return StartProgram(t, "redis-server", dir, args...)
}

// StartProgram is StartIn with a redis-server that need not be that of PATH.
func StartProgram(t testing.TB, program, dir string, args ...string) *Redis {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatal("redis-server is not installed: run the tests with make test, which installs it where it can and says what to do where it cannot")
	}
	r := &Redis{t: t, program: program, Dir: dir, args: args}
	for try := 0; ; try++ {
		r.Port = FreePort(t)
		err := r.launch()
		if err == nil {
			break
		}
		if try == 3 { // somebody else may take a port that was free just now
			t.Fatal(err)
		}
	}
	t.Cleanup(r.Kill)
	return r
}

// Addr is host and port.
func (r *Redis) Addr() string { return "127.0.0.1:" + strconv.Itoa(r.Port) }

// URL is what REDIS_URL would say.
func (r *Redis) URL() string { return "redis://" + r.Addr() }

// Client returns a client that is closed with the test.
func (r *Redis) Client() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: r.Addr()})
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (r *Redis) launch() error {
	args := append([]string{
		"--port", strconv.Itoa(r.Port), "--bind", "127.0.0.1", "--dir", r.Dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--logfile", "redis.log", "--loglevel", "warning",
	}, r.args...)
	r.cmd = exec.Command(r.program, args...) //nolint:gosec,noctx // a test's own arguments; ended by Kill
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	r.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) { _ = cmd.Wait(); close(exited) }(r.cmd, r.exited)
	c := redis.NewClient(&redis.Options{Addr: r.Addr(), MaxRetries: -1, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	deadline := time.After(15 * time.Second)
	for {
		select {
		case <-r.exited:
			log, _ := os.ReadFile(filepath.Join(r.Dir, "redis.log"))
			return fmt.Errorf("redis-server ended at once: %s", log)
		case <-deadline:
			return fmt.Errorf("redis-server on port %d does not answer", r.Port)
		case <-time.After(5 * time.Millisecond):
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := c.Ping(ctx).Err()
		cancel()
		if err == nil {
			return nil
		}
	}
}

// Kill ends the server with SIGKILL, as a power cut would.
func (r *Redis) Kill() {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Kill()
	<-r.exited
	r.cmd = nil
}

// Pause stops the process without ending it, so that connections stay open and
// nothing answers, until Continue.
func (r *Redis) Pause() { _ = r.cmd.Process.Signal(syscall.SIGSTOP) }

// Continue lets a paused server go on.
func (r *Redis) Continue() { _ = r.cmd.Process.Signal(syscall.SIGCONT) }

// Restart starts the server again on its port and data. Is the port taken, it waits a
// while for whoever has it.
func (r *Redis) Restart() {
	r.t.Helper()
	var err error
	for range 20 {
		if err = r.launch(); err == nil {
			return
		}
		r.Kill()
		time.Sleep(250 * time.Millisecond)
	}
	r.t.Fatal(err)
}
