package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

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

func (c *child) addr() string { return net.JoinHostPort(web.Loopback(), strconv.Itoa(c.port)) }

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
	switch {
	case err == nil && sameDir(config["dir"], c.dir):
		c.log.Info("continuing with the Redis that an earlier run left behind", "port", c.port)
		c.opened = true
	case err == nil:
		return inUse(c.port, fmt.Errorf("by a Redis with its data in %s", config["dir"]))
	case errors.Is(err, syscall.ECONNREFUSED):
		if err := c.start(ctx); err != nil {
			return err
		}
	default:
		return c.occupied(ctx, err)
	}
	err = bus.WaitReady(ctx, client, c.log)
	if errors.Is(err, bus.ErrTooOld) {
		return &web.ConfigError{Variable: "redis-server on PATH", Err: err}
	}
	return err
}

// sameDir reports whether two names are one directory, also by way of a symbolic
// link: Redis tells where it is without links.
func sameDir(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// occupied explains why the port was found neither free nor with a Redis of this
// data: err is what came of asking.
func (c *child) occupied(ctx context.Context, err error) error {
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case bus.NotLetIn(err):
		return inUse(c.port, errors.New("by a Redis that requires a password"))
	case bus.Answered(err):
		return inUse(c.port, fmt.Errorf("by a Redis that answers %q", err.Error()))
	case errors.As(err, &op) && op.Op == "dial" && !op.Timeout():
		return fmt.Errorf("look whether a Redis runs at %s: %w", c.addr(), err) // such as too many open files
	default:
		return inUse(c.port, errors.New("by something that does not answer as Redis does"))
	}
}

// start runs redis-server and returns once it answers.
func (c *child) start(ctx context.Context) error {
	cmd := exec.Command(c.program, //nolint:gosec,noctx // found on PATH; ended by close, after the services
		"--port", strconv.Itoa(c.port), "--bind", web.Loopback(), "--protected-mode", "yes", "--dir", c.dir,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction",
		// As in docker-redis/redis.conf, which has the reasons.
		"--client-output-buffer-limit", "normal 160mb 64mb 60 replica 160mb 64mb 60 pubsub 8mb 2mb 60", "--maxmemory-clients", "160mb",
		"--logfile", filepath.Join(c.dir, "redis.log"), "--daemonize", "no")
	// A group of its own: Ctrl-C in a terminal is for the services, which need
	// Redis until they have put down what they have in hand.
	ownGroup(cmd)
	// What it writes here it could not write to its log.
	var said lastOutput
	cmd.Stdout, cmd.Stderr = &said, &said
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
			return c.failure("redis-server ended at once", said.String())
		case <-deadline.C:
			return c.failure("redis-server does not answer", said.String())
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
