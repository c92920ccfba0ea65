package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// inChaos are mechanisms without which the whole system, struck with faults, must
// be seen to break its promises.
func inChaos() []mutant {
	seen := []test{{"e2e", "TestChaos"}}
	return []mutant{
		{"the duplicate check of a write", lua + "commit.lua", `if seen then`, `if false then`, seen},
		{"an acknowledgement comes after the effect", lanes,
			`err := c.attempt(t)`,
			`_ = c.ack(c.handlerCtx, []ID{t.ack})
	err := c.attempt(t)`, seen},
		{"state and event are one write", "internal/bus/commit.go",
			`return b.groups.do(ctx, c)`,
			`state := c
	state.Stream, state.Event = "", event.Event{}
	id, err := b.groups.do(ctx, state)
	if err != nil || c.Stream == "" {
		return id, err
	}
	return b.groups.do(ctx, Change{
		Key: tagOf(c.Stream) + ":published:" + c.Event.ID, Doc: []byte("{}"), TTL: repeatWindow,
		Stream: c.Stream, Event: c.Event,
	})`, seen},
		{"the dead are claimed from", sweep, `return c.visitOthers(ctx)`, `return nil`, seen},
	}
}

// chaos runs make chaos on each mutant, once, and prints what it found.
func (r runner) chaos(ctx context.Context, out io.Writer, only string, last time.Duration, seed uint64) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	all := true
	for i, m := range inChaos() {
		if !wanted.MatchString(m.name) {
			continue
		}
		begin := time.Now()
		said, err := r.chaosOf(ctx, i, m, last, seed)
		if err != nil {
			return err
		}
		word := "caught"
		if !strings.Contains(said, "--- FAIL: TestChaos (") {
			word, all = "SURVIVED", false
		}
		fmt.Fprintf(out, "%-8s %5.0f s  seed %d  without: %s\n%s\n", word, time.Since(begin).Seconds(), seed, m.name, broken(said))
	}
	if !all {
		return errNotAll
	}
	return nil
}

// chaosOf returns what make chaos prints when the programs are built from the mutant.
func (r runner) chaosOf(ctx context.Context, i int, m mutant, last time.Duration, seed uint64) (string, error) {
	text, err := r.apply(m)
	if err != nil {
		return "", err
	}
	overlay, err := r.overlay(filepath.Join(r.dir, "chaos"+strconv.Itoa(i)), map[string]string{m.file: text})
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout", "0", "-v", "-run", "^TestChaos$", "./e2e", //nolint:gosec // own arguments
		"-args", "chaos", "-for", last.String(), "-seed", strconv.FormatUint(seed, 10))
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay) // for the programs, which the test builds
	said, err := cmd.CombinedOutput()
	if !strings.Contains(string(said), "TestChaos (") {
		return "", fmt.Errorf("%s: chaos ends without a verdict: %w\n%s", m.name, errors.Join(err, ctx.Err()), said)
	}
	return string(said), nil
}

// broken returns the first of the promises that chaos found broken.
func broken(said string) string {
	found := regexp.MustCompile(`(?m)^ +chaos_check_test\.go:\d+: (.+)$|^ +chaos_test\.go:\d+: (.*: .*)$`).FindAllString(said, 6)
	for i, line := range found {
		found[i] = fmt.Sprintf("%18s %.300s", "", strings.TrimSpace(line))
	}
	return strings.Join(found, "\n")
}
