package main

import (
	"bytes"
	"context"
	_ "embed" // the script
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed load.lua
var loadLua []byte

// connections is how many clients send requests, each the next when it has its
// answer.
const connections = 64

// load is what wrk sends. wrk because it takes least of the two cores that it
// shares with what it measures.
type load struct {
	method string
	body   []byte
	paths  []string // which the requests take one after another; the URL's own if there are none
	lasts  time.Duration
}

// flawless reports answers that were no success, which this project may not have.
func (l loaded) flawless() error {
	if l.bad > 0 {
		return fmt.Errorf("%d of %d requests were not answered well", l.bad, l.bad+l.requests)
	}
	return nil
}

// loaded is what came of it.
type loaded struct {
	requests int // answered with success
	bad      int
	rate     float64 // a second
	p50, p99 float64 // ms
}

// wrk sends l to url from 64 connections. Who may have answers that are no success
// is for the caller to say.
func (s *stage) wrk(ctx context.Context, url string, l load) (loaded, error) {
	dir, err := os.MkdirTemp("", "newsfeed-bench-")
	if err != nil {
		return loaded{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	script, body, paths := filepath.Join(dir, "load.lua"), "-", "-"
	err = os.WriteFile(script, loadLua, 0o600)
	if l.body != nil && err == nil {
		body = filepath.Join(dir, "body")
		err = os.WriteFile(body, l.body, 0o600)
	}
	if l.paths != nil && err == nil {
		paths = filepath.Join(dir, "paths")
		err = os.WriteFile(paths, []byte(strings.Join(l.paths, "\n")), 0o600)
	}
	if err != nil {
		return loaded{}, err
	}
	cmd := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%.0fs", l.lasts.Seconds()), //nolint:gosec // own arguments
		"--timeout", "10s", "-s", script, url, "--", l.method, body, paths)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return loaded{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	last := bytes.TrimSpace(out)
	last = last[bytes.LastIndexByte(last, '\n')+1:]
	var r struct{ Requests, Micros, Bad, P50, P99 int }
	if err := json.Unmarshal(last, &r); err != nil {
		return loaded{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	good := r.Requests - r.Bad
	if good <= 0 {
		return loaded{}, errors.New("no request was answered well: " + string(out))
	}
	return loaded{
		requests: good, bad: r.Bad, rate: float64(good) / float64(r.Micros) * 1e6,
		p50: float64(r.P50) / 1000, p99: float64(r.P99) / 1000,
	}, nil
}
