package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// database is the Redis that the services use: one that is given, a child of
// this process, one that an earlier run left behind, or one in memory.
type database struct {
	url       string
	about     string // for the banner
	cliFlags  string // that make redis-cli find it; "" if it does not
	tailFlags string // likewise for newsfeed tail

	watch func(ctx context.Context) error // returns when it is lost or ctx ends
	close func() error
}

// Bounds of a child's life.
const (
	startPatience = 15 * time.Second
	stopPatience  = 10 * time.Second
)

const installHint = "install one to keep them (apt-get install redis-server, or brew install redis)"

// openRedis opens the Redis at given, or else sees to one on this machine.
func openRedis(ctx context.Context, given web.RedisURL, o upOptions, log *slog.Logger) (*database, error) {
	if given != "" {
		return givenRedis(given), nil
	}
	port := redisPort + o.portOffset
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return embeddedRedis(ctx, port, o, log)
	}
	dir, err := filepath.Abs(o.dataDir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("--data-dir: %w", err)}
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	c := &child{program: program, port: port, dir: dir, log: log, unlock: unlock}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	db := local(port, o)
	db.about = "its data is in " + dir
	db.watch, db.close = c.watch, c.close
	return db, nil
}

func givenRedis(given web.RedisURL) *database {
	return &database{
		url: given.String(), about: "as REDIS_URL says",
		tailFlags: " --redis-url \"$REDIS_URL\"",
		watch:     func(ctx context.Context) error { <-ctx.Done(); return nil },
		close:     func() error { return nil },
	}
}

// local describes a Redis on the loopback of this machine.
func local(port int, o upOptions) *database {
	db := &database{url: "redis://127.0.0.1:" + strconv.Itoa(port), cliFlags: "-p " + strconv.Itoa(port)}
	if o.portOffset != 0 {
		db.tailFlags = " --port-offset " + strconv.Itoa(o.portOffset)
	}
	return db
}

// embeddedRedis keeps everything in this process's memory.
func embeddedRedis(_ context.Context, port int, o upOptions, log *slog.Logger) (*database, error) {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	if err := m.StartAddr("127.0.0.1:" + strconv.Itoa(port)); err != nil {
		return nil, inUse(port, err)
	}
	log.Warn("there is no redis-server on PATH: posts and comments are kept in memory and are gone when this ends; " + installHint)
	db := local(port, o)
	db.about = "in memory: nothing is kept"
	db.watch = func(ctx context.Context) error { <-ctx.Done(); return nil }
	db.close = func() error { m.Close(); return nil }
	return db, nil
}

func inUse(port int, why error) error {
	return fmt.Errorf("port %d, which Redis needs, is in use (%w): set REDIS_URL to use what is there, or choose a --port-offset", port, why)
}

// lock keeps a second newsfeed from the same data.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "newsfeed.lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own directory
	if err != nil {
		return nil, usageError{fmt.Errorf("--data-dir: %w", err)}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another newsfeed uses the data in %s: end it, or choose a --data-dir and a --port-offset", dir), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// child is a redis-server that this process ends: one that it started, or one
// that an earlier run with the same data left behind.
type child struct {
	program string
	port    int
	dir     string
	log     *slog.Logger
	unlock  func()

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended; nil if it was adopted
	opened bool
}

func (c *child) addr() string { return "127.0.0.1:" + strconv.Itoa(c.port) }

// client connects as the services do, so that it is as quiet about what fails.
func (c *child) client() redis.UniversalClient {
	client, err := bus.Connect("redis://" + c.addr())
	if err != nil {
		panic(err) // the address is our own
	}
	return client
}

func (c *child) open(ctx context.Context) error {
	client := c.client()
	defer func() { _ = client.Close() }()
	config, err := client.ConfigGet(ctx, "dir").Result()
	var dial interface{ Timeout() bool }
	switch {
	case err == nil && config["dir"] == c.dir:
		c.log.Info("going on with the Redis that an earlier run left behind", "port", c.port)
		c.opened = true
	case err == nil:
		return inUse(c.port, fmt.Errorf("by a Redis with its data in %s", config["dir"]))
	case !errors.Is(err, syscall.ECONNREFUSED) && errors.As(err, &dial):
		return inUse(c.port, err)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return inUse(c.port, errors.New("by something that is no open Redis"))
	default:
		if err := c.start(ctx); err != nil {
			return err
		}
	}
	err = bus.WaitReady(ctx, client, c.log)
	if errors.Is(err, bus.ErrTooOld) {
		return &web.ConfigError{Variable: "redis-server on PATH", Err: err}
	}
	return err
}

// start runs redis-server and returns once it answers.
func (c *child) start(ctx context.Context) error {
	cmd := exec.Command(c.program, //nolint:gosec,noctx // found on PATH; ended by close, after the services
		"--port", strconv.Itoa(c.port), "--bind", "127.0.0.1", "--protected-mode", "yes", "--dir", c.dir,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
		"--logfile", filepath.Join(c.dir, "redis.log"), "--daemonize", "no")
	// A group of its own: Ctrl-C in a terminal is for the services, which need
	// Redis until they have put down what they have in hand.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }() // ends with the child, which close waits for
	c.mu.Lock()
	c.cmd, c.exited, c.opened = cmd, exited, true
	c.mu.Unlock()

	client := c.client()
	defer func() { _ = client.Close() }()
	deadline := time.NewTimer(startPatience)
	defer deadline.Stop()
	for client.Ping(ctx).Err() != nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-exited:
			return fmt.Errorf("redis-server ended at once: %s says why", filepath.Join(c.dir, "redis.log"))
		case <-deadline.C:
			return fmt.Errorf("redis-server does not answer: %s may say why", filepath.Join(c.dir, "redis.log"))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// watch starts Redis again when it dies, until ctx ends. Its data is on disk, so
// the services go on where they were.
func (c *child) watch(ctx context.Context) error {
	for again := 0; ; again++ {
		c.mu.Lock()
		exited := c.exited
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-exited: // never, if it was adopted
		}
		wait := min(time.Duration(again)*time.Second, 10*time.Second)
		c.log.Warn("redis-server has ended; starting it again", "in", wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if err := c.start(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// close ends Redis and waits for it.
func (c *child) close() error {
	defer c.unlock()
	c.mu.Lock()
	cmd, exited, open := c.cmd, c.exited, c.opened
	c.mu.Unlock()
	if !open {
		return nil
	}
	if cmd == nil {
		return c.shutdownAdopted()
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-exited:
		return nil
	case <-time.After(stopPatience):
		_ = cmd.Process.Kill()
		<-exited
		return errors.New("redis-server did not end in time and was killed")
	}
}

func (c *child) shutdownAdopted() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	client := c.client()
	defer func() { _ = client.Close() }()
	err := client.Shutdown(ctx).Err()
	if err != nil && !strings.Contains(err.Error(), "EOF") && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("end Redis: %w", err)
	}
	for client.Ping(ctx).Err() == nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return errors.New("the adopted Redis does not end")
		}
	}
	return nil
}
