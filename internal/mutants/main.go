// Command mutants shows that the tests can fail. For each mechanism that they
// guard, listed in table.go, it takes the mechanism out of a copy of the source,
// builds the package's tests with that copy (go test -overlay, so that the work
// tree stays as it is; embedded Lua is replaced in the same way), and runs the
// tests that must turn red. Docs: docs/decisions/0008-mutants.md.
//
// It prints a line for each mutant and fails if one survives, does not build,
// ends without a verdict, or no longer fits the source.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	only := flag.String("run", "", "try only the mutants whose name matches this regular expression")
	chaos := flag.Duration("chaos", 0, "let make chaos, for so long each, find the mutants of its own list instead")
	seed := flag.Uint64("seed", 1, "of chaos")
	jobs := flag.Int("j", 2, "how many to try at once; the tests mostly wait")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	try := func() error { return run(ctx, os.Stdout, *only, *jobs) }
	if *chaos > 0 {
		try = func() error { return runChaos(ctx, os.Stdout, *only, *chaos, *seed) }
	}
	if err := try(); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

var errNotAll = errors.New("not every mutant is caught")

// run tries the mutants whose name matches only.
func run(ctx context.Context, out io.Writer, only string, jobs int) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	var chosen []mutant
	for _, m := range table() {
		if wanted.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	begin := time.Now()
	r := runner{root: ".", dir: dir, patience: 2 * time.Minute}
	if err := r.baseline(ctx, chosen); err != nil {
		return err
	}
	fmt.Fprintf(out, "the tests pass on the source as it is (%.0f s)\n\n", time.Since(begin).Seconds())
	caught := 0
	for i, verdict := range r.tryAll(ctx, chosen, jobs) {
		if verdict.caught {
			caught++
		}
		fmt.Fprintf(out, "%-8s %5.1f s  %s\n%18s %s\n", verdict.word(), verdict.took.Seconds(), chosen[i].name, "", verdict.why)
	}
	fmt.Fprintf(out, "\n%d of %d mutants are caught (%.0f s)\n", caught, len(chosen), time.Since(begin).Seconds())
	if caught < len(chosen) {
		return errNotAll
	}
	return nil
}

// runChaos lets chaos find the mutants whose name matches only.
func runChaos(ctx context.Context, out io.Writer, only string, last time.Duration, seed uint64) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return runner{root: ".", dir: dir}.chaos(ctx, out, only, last, seed)
}
