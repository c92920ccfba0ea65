package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

// usage is what a process has taken of the machine.
type usage struct {
	cpu time.Duration
	rss int64 // bytes
}

// clockTick is how /proc counts time: Linux has 100 ticks in a second on every
// machine that Go runs on.
const clockTick = 10 * time.Millisecond

// usage reads /proc, which only Linux has.
func (p *process) usage() (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat")) //nolint:gosec // own process
	if err != nil {
		return usage{}, err
	}
	// The name, in parentheses, can hold anything; behind it field 3 begins.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 22 {
		return usage{}, errors.New("/proc/…/stat is shorter than it should be")
	}
	var n [3]int64
	for i, field := range []int{14, 15, 24} { // utime, stime, rss; proc(5) counts from 1
		if n[i], err = strconv.ParseInt(string(fields[field-3]), 10, 64); err != nil {
			return usage{}, err
		}
	}
	return usage{cpu: time.Duration(n[0]+n[1]) * clockTick, rss: n[2] * int64(os.Getpagesize())}, nil
}
