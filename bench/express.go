package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// The two ways in which Express runs: as it is, and as its documentation says for
// best performance.
const (
	expressPlain = "Express, defaults"
	expressBest  = "Express, NODE_ENV=production"
)

// express starts services of the application in bench/express. It returns them by
// name.
func (s *stage) express(ctx context.Context, env string, names ...string) (map[string]*process, error) {
	dir := filepath.Join(s.opt.root, "bench", "express")
	if err := npmInstall(ctx, dir); err != nil {
		return nil, err
	}
	ports, app := map[string]int{}, map[string]*process{}
	for _, name := range names {
		p := &process{name: name, addr: freeAddr(ctx)}
		_, port, err := net.SplitHostPort(p.addr)
		if err != nil {
			return nil, err
		}
		if ports[name], err = strconv.Atoi(port); err != nil {
			return nil, err
		}
		app[name] = p
	}
	known, err := json.Marshal(ports)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		p := app[name]
		p.cmd = exec.Command("node", name+".js") //nolint:gosec,noctx // own names; ended by stop
		p.cmd.Dir = dir
		p.cmd.Env = append(os.Environ(), "PORTS="+string(known), "NODE_ENV="+env)
		if err := s.start(p); err != nil {
			return nil, err
		}
	}
	for _, p := range app {
		if err := p.await(ctx, func() bool { return status(ctx, p.url()+"/") != 0 }); err != nil {
			return nil, err
		}
	}
	return app, nil
}

// npmInstall installs what the application needs, unless it is there.
func npmInstall(ctx context.Context, dir string) error {
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err == nil && !lock.ModTime().After(done.ModTime()) {
		return nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--loglevel=error", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return nil
}
