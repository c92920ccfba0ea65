package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// measurement makes some rows, with a Redis and programs of its own.
type measurement struct {
	name string
	long bool
	run  func(ctx context.Context, s *stage) ([]*row, error)
}

func measurements() []measurement {
	return []measurement{
		{name: "consume", run: measureConsume},
		{name: "wait", run: measureWait},
		{name: "publish", run: measurePublish},
		{name: "lone", run: measureLone},
		{name: "commit", run: measureCommit},
		{name: "seen", run: measureSeen},
		{name: "hop", run: measureHop},
		{name: "write", run: measureWrite},
		{name: "page", run: measurePage},
		{name: "deep", run: measureDeep},
		{name: "comments", run: measureComments},
		{name: "chain", run: measureChain},
		{name: "apply", run: measureApply},
		{name: "nth", run: measureNth},
		{name: "rebuild", run: measureRebuild},
		{name: "rest", run: measureRest},
		{name: "memory", run: measureMemory},
		{name: "start", run: measureStart},
		{name: "growth", run: measureGrowth},
		{name: "deep-million", long: true, run: measureDeepMillion},
		{name: "growth-million", long: true, run: measureGrowthMillion},
		{name: "flat", long: true, run: measureFlat},
	}
}

// contestant takes its turn once in a round and returns a figure for each row of
// the measurement.
type contestant struct {
	name string
	turn func(ctx context.Context, round int) ([]float64, error)
}

// one makes the turn of a contestant in a measurement that has one row.
func one(turn func(ctx context.Context, round int) (float64, error)) func(context.Context, int) ([]float64, error) {
	return func(ctx context.Context, round int) ([]float64, error) {
		f, err := turn(ctx, round)
		return []float64{f}, err
	}
}

// rounds lets the contestants take turns, each round beginning with another one.
// Where a bound is missed, a profile shows what the time goes to.
func (s *stage) rounds(ctx context.Context, rows []*row, contestants ...contestant) error {
	for _, r := range rows { // in the order of the table, whoever begins
		for _, c := range contestants {
			r.Series = append(r.Series, series{Name: c.name})
		}
	}
	for round := range s.opt.rounds {
		for i := range contestants {
			c := contestants[(i+round)%len(contestants)]
			if err := s.settle(ctx); err != nil {
				return err
			}
			figures, err := c.turn(ctx, round)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", c.name, round+1, err)
			}
			if len(figures) != len(rows) {
				return fmt.Errorf("%s returned %d figures for %d rows", c.name, len(figures), len(rows))
			}
			for j, r := range rows {
				r.add(c.name, figures[j])
			}
		}
	}
	missed := slices.ContainsFunc(rows, func(r *row) bool { return !r.met() })
	if i := slices.IndexFunc(contestants, func(c contestant) bool { return c.name == newsfeed }); i >= 0 && (missed || s.opt.profile) {
		return s.profile(ctx, rows, contestants[i])
	}
	return nil
}

// run measures what was asked for and prints the table; errNotMet if a ratio is
// missed.
func run(ctx context.Context, w io.Writer, o options) error {
	var chosen []measurement
	for _, m := range measurements() {
		if m.long == o.long && o.run.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	if o.list {
		for _, m := range chosen {
			fmt.Fprintln(w, m.name)
		}
		return nil
	}
	if len(chosen) == 0 {
		return errors.New("-run matches nothing; -list names what there is")
	}
	var err error
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "newsfeed-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p, err := buildPrograms(ctx, o.root, dir)
	if err != nil {
		return err
	}
	res := newResults(ctx, o)
	fmt.Fprintln(w, res.header())
	for _, m := range chosen {
		rows, took, err := measure(ctx, m, stage{opt: o, programs: p, name: m.name})
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, r := range rows {
			r.print(w)
			res.Rows = append(res.Rows, *r)
		}
		fmt.Fprintf(os.Stderr, "%s took %s\n", m.name, took.Round(time.Second))
	}
	if err := res.save(w, o); err != nil {
		return err
	}
	return res.verdict()
}

// measure runs one measurement and ends what it has started.
func measure(ctx context.Context, m measurement, s stage) (rows []*row, took time.Duration, err error) {
	begin := time.Now()
	defer s.end()
	rows, err = m.run(ctx, &s)
	return rows, time.Since(begin), err
}
