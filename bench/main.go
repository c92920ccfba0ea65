// Command bench measures the project beside the bare limit and the alternatives,
// all in one run on one machine: contestants take turns, medians and spread are
// printed, and each ratio is held against what it must be. A row that is not met
// stays in the table.
//
//	make bench                        everything, in at most 20 minutes
//	make bench ARGS='-run commit'     the rows whose key matches
//	make bench ARGS=-write            and put the table into docs/performance.md
//	make bench-long                   a million rows, growth, ten minutes of writes
//
// It is a module of its own, so that what is measured against is no dependency of
// the project.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, os.Stdout, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	root    string // of the project
	run     *regexp.Regexp
	rounds  int
	long    bool
	write   bool
	profile bool
	list    bool
}

// fewest is how many rounds make a result.
const fewest = 5

func parseFlags(args []string) (options, error) {
	o := options{run: regexp.MustCompile("")}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.root, "root", ".", "the project's directory")
	f.Func("run", "measure only what matches this regular expression", func(s string) (err error) {
		o.run, err = regexp.Compile(s)
		return err
	})
	f.IntVar(&o.rounds, "rounds", fewest, "how often the contestants take turns; with less than 5 nothing is saved")
	f.BoolVar(&o.long, "long", false, "the long measurements instead of the usual ones")
	f.BoolVar(&o.write, "write", false, "write the table and the chart of docs/performance.md")
	f.BoolVar(&o.profile, "profile", false, "save a profile of every row, and not only of those that are not met")
	f.BoolVar(&o.list, "list", false, "name what can be measured, and do nothing")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q is no flag", f.Arg(0))
	case o.rounds < 1:
		return o, errors.New("-rounds must be 1 or more")
	case o.write && o.rounds < fewest:
		return o, fmt.Errorf("-write needs %d rounds", fewest)
	}
	return o, nil
}

var errNotMet = errors.New("not every ratio is met")
