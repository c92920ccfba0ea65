package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// stage is what one measurement has to work with. What it starts on it ends with
// the measurement, the last first.
type stage struct {
	opt      options
	programs programs
	name     string
	running  []*process
	stops    []func()
}

func (s *stage) cleanup(stop func()) { s.stops = append(s.stops, stop) }

func (s *stage) end() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
}

// dir makes a directory for the time of the measurement.
func (s *stage) dir() (string, error) {
	dir, err := os.MkdirTemp("", "newsfeed-bench-")
	if err == nil {
		s.cleanup(func() { _ = os.RemoveAll(dir) })
	}
	return dir, err
}

// settings are those of every contestant's Redis. What Redis does now and then on
// its own, and would do to whoever is being measured just then, is off.
func settings(fsync string) []string {
	return []string{
		"--save", "", "--appendonly", "yes", "--appendfsync", fsync,
		"--auto-aof-rewrite-percentage", "0", "--activerehashing", "no",
	}
}

// The two ways in which Redis writes to disk what it has answered.
const (
	always   = "always"   // before it answers
	everysec = "everysec" // within about a second
)

// database is a redis-server of the measurement's own.
type database struct {
	*process
	*redis.Client
}

func (d database) url() string { return "redis://" + d.addr }

// redis starts a redis-server on a free port.
func (s *stage) redis(ctx context.Context, fsync string) (database, error) {
	dir, err := s.dir()
	if err != nil {
		return database{}, err
	}
	p := &process{name: "redis-server", addr: freeAddr(ctx)}
	_, port, _ := net.SplitHostPort(p.addr)
	p.cmd = exec.Command("redis-server", append([]string{ //nolint:gosec,noctx // own arguments; ended by stop
		"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--loglevel", "warning"}, settings(fsync)...)...)
	if err := s.start(p); err != nil {
		return database{}, err
	}
	// As many connections as a contestant that has one for each of its 64
	// goroutines can use.
	client := redis.NewClient(&redis.Options{Addr: p.addr, PoolSize: 160, ReadTimeout: 10 * time.Second})
	s.cleanup(func() { _ = client.Close() })
	db := database{p, client}
	return db, p.await(ctx, func() bool { return client.Ping(ctx).Err() == nil })
}

// process is a program that a measurement has started.
type process struct {
	name   string
	addr   string
	cmd    *exec.Cmd
	log    bytes.Buffer
	exited chan struct{}
}

func (p *process) url() string { return "http://" + p.addr }

// start runs the process until the measurement ends.
func (s *stage) start(p *process) error {
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.exited = make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(p.exited) }() // ends with the process, which stop waits for
	s.running = append(s.running, p)
	s.cleanup(p.stop)
	return nil
}

// quit ends a process before the measurement ends.
func (s *stage) quit(p *process) {
	p.stop()
	s.running = slices.DeleteFunc(s.running, func(other *process) bool { return other == p })
}

// stop ends the process, at once if it does not within ten seconds.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// settle returns when nothing on the stage works any more: what one contestant has
// left to do, or to collect, is not for the next to carry.
func (s *stage) settle(ctx context.Context) error {
	runtime.GC()
	const every = 100 * time.Millisecond
	for range 200 {
		before, err := s.used()
		if err != nil {
			return err
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return ctx.Err()
		}
		if after, err := s.used(); err != nil || after-before < every/3 {
			return err
		}
	}
	return errors.New("the programs do not come to rest")
}

// used is the CPU time that all programs on the stage have taken.
func (s *stage) used() (time.Duration, error) {
	var sum time.Duration
	for _, p := range s.running {
		took, err := p.cpu()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", p.name, err)
		}
		sum += took
	}
	return sum, nil
}

// await returns once ready says so.
func (p *process) await(ctx context.Context, ready func() bool) error {
	deadline := time.Now().Add(20 * time.Second)
	for !ready() {
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended at once: %s", p.name, p.log.String())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer", p.name)
		}
	}
	return nil
}

// freeAddr is an address that nobody listened on just now.
func freeAddr(ctx context.Context) string {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0" // whoever listens there will say what is wrong
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
