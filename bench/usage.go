package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

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
