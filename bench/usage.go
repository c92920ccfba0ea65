package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is how /proc counts time: Linux has 100 ticks in a second on every
// machine that Go runs on.
const clockTick = 10 * time.Millisecond

// cpu is the time that the process has had of the cores. It reads /proc, which only
// Linux has.
func (p *process) cpu() (time.Duration, error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat")) //nolint:gosec // own process
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, can hold anything; behind it field 3 begins.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("/proc/…/stat is shorter than it should be")
	}
	user, err := strconv.Atoi(string(fields[11])) // field 14 of proc(5)
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * clockTick, err
}

// resident is how many bytes of memory the process has. This file is exact, where
// that of /proc/…/stat lags behind.
func (p *process) resident() (int64, error) {
	size := fileField(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "smaps_rollup"), "Rss")
	kib, err := strconv.ParseInt(strings.TrimSuffix(size, " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the memory of %s: %w", p.name, err)
	}
	return kib << 10, nil
}
