package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// mutant is the source with one mechanism taken out.
type mutant struct {
	name     string // what is gone
	file     string // where, from the module's root; Go or embedded
	old, new string // old stands there exactly once
	tests    []test // each must fail
}

// test is a test, or one of its subtests, of a package: "TestX/sub".
type test struct{ pkg, name string }

// verdict is what came of a mutant.
type verdict struct {
	caught bool
	why    string
	took   time.Duration
}

func (v verdict) word() string {
	if v.caught {
		return "caught"
	}
	return "SURVIVED"
}

// runner builds and runs the tests of the module at root.
type runner struct {
	root, dir string        // dir holds what is built
	patience  time.Duration // for one test
}

// apply returns the file's text with the mechanism taken out.
func (r runner) apply(m mutant) (string, error) {
	source, err := os.ReadFile(filepath.Join(r.root, m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s: %s has %d times what is to be replaced, want 1: %s", m.name, m.file, n, m.old)
	}
	if len(m.tests) == 0 || m.new == m.old {
		return "", fmt.Errorf("%s: changes nothing, or names no test", m.name)
	}
	return strings.Replace(string(source), m.old, m.new, 1), nil
}

// baseline checks that every mutant fits and that the tests that are to fail
// pass on the source as it is.
func (r runner) baseline(ctx context.Context, mutants []mutant) error {
	var misfits []error
	named := map[string][]string{}
	for _, m := range mutants {
		_, err := r.apply(m)
		misfits = append(misfits, err)
		for _, t := range m.tests {
			named[t.pkg] = append(named[t.pkg], t.name)
		}
	}
	if err := errors.Join(misfits...); err != nil {
		return err
	}
	for pkg, names := range named {
		binary, err := r.build(ctx, pkg, "baseline", nil)
		if err != nil {
			return err
		}
		tops := make([]string, len(names))
		for i, name := range names {
			tops[i], _, _ = strings.Cut(name, "/")
		}
		slices.Sort(tops)
		out := r.run(ctx, binary, pkg, "^("+strings.Join(slices.Compact(tops), "|")+")$", r.patience*time.Duration(len(tops)))
		for _, name := range names {
			if !said(out, "PASS", name) {
				return fmt.Errorf("%s: %s does not pass on the source as it is:\n%s", pkg, name, out)
			}
		}
	}
	return nil
}

// tryAll tries jobs mutants at once and yields their verdicts in order.
func (r runner) tryAll(ctx context.Context, mutants []mutant, jobs int) iter.Seq2[int, verdict] {
	return func(yield func(int, verdict) bool) {
		verdicts := make([]chan verdict, len(mutants))
		for i := range verdicts {
			verdicts[i] = make(chan verdict, 1)
		}
		var starter, tries errgroup.Group
		tries.SetLimit(jobs)
		starter.Go(func() error {
			for i, m := range mutants {
				tries.Go(func() error { verdicts[i] <- r.try(ctx, i, m); return nil })
			}
			return tries.Wait()
		})
		defer func() { _ = starter.Wait() }()
		for i, v := range verdicts {
			if !yield(i, <-v) {
				return
			}
		}
	}
}

// try builds the tests with the mutant and runs those that must fail.
func (r runner) try(ctx context.Context, i int, m mutant) verdict {
	text, err := r.apply(m)
	if err != nil {
		return verdict{why: err.Error()}
	}
	var v verdict
	for _, t := range m.tests {
		name := fmt.Sprintf("mutant%d", i)
		binary, err := r.build(ctx, t.pkg, name, map[string]string{m.file: text})
		if err != nil {
			return verdict{why: err.Error()}
		}
		begin := time.Now()
		out := r.run(ctx, binary, t.pkg, exactly(t.name), r.patience)
		v.took += time.Since(begin)
		_ = os.Remove(binary)
		switch {
		case said(out, "PASS", t.name):
			return verdict{why: t.name + " passes all the same", took: v.took}
		case !said(out, "FAIL", t.name) || strings.Contains(out, "\npanic: "):
			return verdict{why: t.name + " ends without a verdict: " + out, took: v.took}
		}
		if v.why != "" {
			v.why += "; "
		}
		v.why += t.name + ": " + complaint(out)
	}
	v.caught = true
	return v
}

// build compiles the tests of a package with other texts in place of some files.
func (r runner) build(ctx context.Context, pkg, name string, texts map[string]string) (binary string, err error) {
	dir := filepath.Join(r.dir, name)
	overlay, err := r.overlay(dir, texts)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, filepath.Base(pkg)+".test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "./"+pkg) //nolint:gosec // own arguments
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("does not build: %w\n%s", err, out)
	}
	return binary, nil
}

// overlay writes the texts into dir and returns the file that tells go build to
// take them in place of the files of those names.
func (r runner) overlay(dir string, texts map[string]string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range texts {
		original, err := filepath.Abs(filepath.Join(r.root, file))
		if err != nil {
			return "", err
		}
		replace[original] = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(replace[original], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return "", err
	}
	return overlayFile, nil
}

// run runs tests and returns what they print; how they ended is in there.
func (r runner) run(ctx context.Context, binary, pkg, pattern string, patience time.Duration) string {
	cmd := exec.CommandContext(ctx, binary, "-test.run", pattern, "-test.v", "-test.timeout", patience.String()) //nolint:gosec // built above
	cmd.Dir = filepath.Join(r.root, pkg)
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%s\n%v\n", out, err)
}

// exactly is the -test.run pattern of one test or subtest.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// said reports whether the testing package printed that result for the test.
func said(out, result, name string) bool {
	return regexp.MustCompile(`(?m)^\s*--- ` + result + `: ` + regexp.QuoteMeta(name) + ` \(`).MatchString(out)
}

// complaint returns the first thing that a test said.
func complaint(out string) string {
	found := regexp.MustCompile(`(?m)^ +\w+_test\.go:\d+: (.+)$`).FindStringSubmatch(out)
	if found == nil {
		return "failed"
	}
	if len(found[1]) > 200 {
		return found[1][:200] + "…"
	}
	return found[1]
}
