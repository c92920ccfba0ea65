package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
)

// profile lets this project take one more turn, which does not count, and saves
// where the time of it went: of this process for go tool pprof, and where there is
// perf, of every program on the stage as text.
func (s *stage) profile(ctx context.Context, rows []*row, c contestant) error {
	dir := filepath.Join(s.opt.root, "bench", "results", "profiles")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	name := rows[0].Key
	own, err := os.Create(filepath.Join(dir, name+".pprof")) //nolint:gosec // own name
	if err != nil {
		return err
	}
	defer func() { _ = own.Close() }()
	file := name + ".pprof"
	stop := s.perf(ctx, dir, name)
	if err := pprof.StartCPUProfile(own); err != nil {
		return err
	}
	_, err = c.turn(ctx, s.opt.rounds)
	pprof.StopCPUProfile()
	if err != nil {
		return fmt.Errorf("under the profiler: %w", err)
	}
	if text := stop(); text != "" {
		file = text
	}
	for _, r := range rows {
		if s.opt.profile || !r.met() {
			r.Profile = file
		}
	}
	return nil
}

// perf records this process and all on the stage until the function that it
// returns is called, which writes the report and returns its file's name, or "" if
// there is no perf or it may not.
func (s *stage) perf(ctx context.Context, dir, name string) (stop func() string) {
	nothing := func() string { return "" }
	program, err := exec.LookPath("perf")
	if err != nil {
		return nothing
	}
	pids := []string{strconv.Itoa(os.Getpid())}
	for _, p := range s.running {
		pids = append(pids, strconv.Itoa(p.cmd.Process.Pid))
	}
	data, text := filepath.Join(dir, name+".data"), name+".txt"
	record := exec.CommandContext(ctx, program, "record", "-q", "-F", "997", "-g", "-o", data, "-p", strings.Join(pids, ",")) //nolint:gosec // own arguments
	if record.Start() != nil {
		return nothing
	}
	return func() string {
		defer func() { _ = os.Remove(data) }()
		_ = record.Process.Signal(syscall.SIGINT)
		_ = record.Wait() // perf ends with the signal's number
		var all []byte
		for _, fields := range []string{"overhead,comm", "overhead,comm,dso", "overhead,comm,dso,symbol"} { // from afar, and nearer
			report, err := exec.CommandContext(ctx, program, "report", "-i", data, "--stdio", "--no-children", //nolint:gosec // own arguments
				"-g", "none", "--percent-limit", "0.3", "--fields", fields).Output()
			if err != nil {
				return ""
			}
			all = append(all, report...)
		}
		if os.WriteFile(filepath.Join(dir, text), all, 0o644) != nil { //nolint:gosec // for everybody to read
			return ""
		}
		return text
	}
}
