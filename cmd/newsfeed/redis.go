package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"

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
		return nil, dataDirError(dir, err)
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
	db := &database{url: localRedisURL(port), cliFlags: "-p " + strconv.Itoa(port)}
	if web.Loopback() != "127.0.0.1" {
		db.cliFlags = "-h " + web.Loopback() + " " + db.cliFlags
	}
	if o.portOffset != 0 {
		db.tailFlags = " --port-offset " + strconv.Itoa(o.portOffset)
	}
	return db
}

// embeddedRedis keeps everything in this process's memory.
func embeddedRedis(_ context.Context, port int, o upOptions, log *slog.Logger) (*database, error) {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	if err := m.StartAddr(net.JoinHostPort(web.Loopback(), strconv.Itoa(port))); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = inUse(port, errors.New("another program listens there"))
		}
		return nil, err
	}
	log.Warn("there is no redis-server on PATH: posts and comments are kept in memory and are gone when this ends; " + installHint)
	db := local(port, o)
	db.about = "in memory: nothing is kept"
	db.watch = func(ctx context.Context) error { <-ctx.Done(); return nil }
	db.close = func() error { m.Close(); return nil }
	return db, nil
}

// localRedisURL is that of a Redis on this machine's loopback.
func localRedisURL(port int) string {
	return "redis://" + net.JoinHostPort(web.Loopback(), strconv.Itoa(port))
}

func inUse(port int, by error) error {
	return fmt.Errorf("port %d, which Redis needs, is in use: %w; set REDIS_URL to use what is there, or choose a --port-offset", port, by)
}

// dataDirError says why dir cannot be used, and what to do where it may not be
// written to, as with a volume that belongs to another user.
func dataDirError(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return usageError{fmt.Errorf("--data-dir: user %d may not write to %s: give it to that user (chown -R %[1]d %[2]s), or choose another: %[3]w",
			os.Getuid(), dir, err)}
	case errors.Is(err, syscall.EROFS):
		return usageError{fmt.Errorf("--data-dir: %s is on a read-only file system: mount a volume there, or choose another: %w", dir, err)}
	}
	return usageError{fmt.Errorf("--data-dir: %w", err)}
}

// lock keeps a second newsfeed from the same data.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "newsfeed.lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own directory
	if err != nil {
		return nil, dataDirError(dir, err)
	}
	locked, err := lockFile(f)
	if err == nil && !locked {
		err = fmt.Errorf("another newsfeed uses the data in %s: end it, or choose a --data-dir and a --port-offset", dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}
