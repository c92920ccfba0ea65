package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
)

// onePorts are where newsfeed up listens, without an offset; the last is Redis's.
func onePorts() []int { return []int{3000, 5001, 5002, 5003, 5004, 5005, 6380} }

// allInOne starts every service in one process, at ports that nobody has, and with
// a Redis of its own unless it is given one. It does not wait for it.
func (s *stage) allInOne(ctx context.Context, env ...string) (p *process, offset int, err error) {
	dir, err := s.dir()
	if err != nil {
		return nil, 0, err
	}
	if offset, err = freeOffset(ctx); err != nil {
		return nil, 0, err
	}
	server, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, 0, err
	}
	p = &process{name: "newsfeed up"}
	p.cmd = exec.Command(filepath.Join(string(s.programs), "newsfeed"), "up", //nolint:gosec,noctx // built here; ended by stop
		"--port-offset", strconv.Itoa(offset), "--data-dir", filepath.Join(dir, "data"))
	p.cmd.Env = append([]string{"PATH=" + filepath.Dir(server)}, env...)
	return p, offset, s.start(p)
}

// freeOffset is one at which every port is free.
func freeOffset(ctx context.Context) (int, error) {
	for range 100 {
		offset := 10_000 + rand.IntN(12_000) //nolint:gosec // no secret
		if allFree(ctx, offset) {
			return offset, nil
		}
	}
	return 0, errors.New("no ports are free")
}

func allFree(ctx context.Context, offset int) bool {
	for _, port := range onePorts() {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+offset)))
		if err != nil {
			return false
		}
		_ = l.Close() // it was only to see
	}
	return true
}

// allReady returns when every service of newsfeed up answers that it is ready.
func allReady(ctx context.Context, p *process, offset int) error {
	ports := onePorts()
	for _, port := range ports[:len(ports)-1] {
		url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port+offset)) + "/readyz"
		if err := p.await(ctx, func() bool { return status(ctx, url) == http.StatusOK }); err != nil {
			return err
		}
	}
	return nil
}
