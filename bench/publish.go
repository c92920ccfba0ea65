package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

const writers = 64

// work is what each of 64 goroutines has to write, made before the clock runs.
type work [writers][]bus.Change

func (w *work) len() int { return writers * len(w[0]) }

// prepare makes n changes for each goroutine.
func prepare(n int, change func(writer, n int) (bus.Change, error)) (*work, error) {
	var w work
	for i := range writers {
		w[i] = make([]bus.Change, n)
		for j := range n {
			var err error
			if w[i][j], err = change(i, j); err != nil {
				return nil, err
			}
		}
	}
	return &w, nil
}

// publication is the change that Bus.Publish makes of an event: a mark that the
// event's id is known, and its entry.
func publication(stream string) func(writer, n int) (bus.Change, error) {
	return func(writer, n int) (bus.Change, error) {
		e, err := commentEvent("post-"+strconv.Itoa(n), fmt.Sprintf("comment-%d-%d", writer, n))
		return bus.Change{
			Key: "{comments}:published:" + e.ID, Doc: []byte("{}"), TTL: 24 * time.Hour, Stream: stream, Event: e,
		}, err
	}
}

// side lets 64 goroutines write side by side, each waiting for its own result,
// and returns writes per second and the 99th percentile of their latency in ms.
func side(ctx context.Context, w *work, write func(context.Context, bus.Change) error) ([]float64, error) {
	defer quietly()()
	took := make([][]float64, writers)
	var g errgroup.Group
	start := time.Now()
	for i := range writers {
		g.Go(func() error {
			for _, c := range w[i] {
				begin := time.Now()
				if err := write(ctx, c); err != nil {
					return err
				}
				took[i] = append(took[i], milliseconds(time.Since(begin)))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	elapsed := time.Since(start)
	return []float64{float64(w.len()) / elapsed.Seconds(), percentile(slices.Concat(took...), 99)}, nil
}

// quietly keeps the collector from what was prepared: it is the round's and not
// the contestant's.
func quietly() (end func()) {
	runtime.GC()
	before := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(before) }
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// piped sends one change of each goroutine in a bare pipeline, and the next
// pipeline when that is answered: 64 writes under way, as above.
func piped(ctx context.Context, client *redis.Client, script *redis.Script, w *work) ([]float64, error) {
	if err := script.Load(ctx, client).Err(); err != nil {
		return nil, err
	}
	defer quietly()()
	var took []float64
	start := time.Now()
	for n := range w[0] {
		begin := time.Now()
		p := client.Pipeline()
		for i := range writers {
			keys, args := bus.Arguments(w[i][n])
			script.EvalSha(ctx, p, keys, args...)
		}
		replies, err := p.Exec(ctx)
		if err != nil {
			return nil, err
		}
		for _, reply := range replies {
			if err := written(reply.(*redis.Cmd)); err != nil {
				return nil, err
			}
		}
		took = append(took, milliseconds(time.Since(begin)))
	}
	elapsed := time.Since(start)
	return []float64{float64(w.len()) / elapsed.Seconds(), percentile(took, 99)}, nil
}

// written reports a change that commit.lua did not make.
func written(reply *redis.Cmd) error {
	values, err := reply.Slice()
	if err == nil && (len(values) != 2 || values[0] != "OK") {
		err = fmt.Errorf("commit.lua says %v", values)
	}
	return err
}

func (s *stage) commitScript() (*redis.Script, error) {
	src, err := os.ReadFile(filepath.Join(s.opt.root, "internal", "bus", "lua", "commit.lua"))
	if err != nil {
		return nil, fmt.Errorf("-root is not the project's directory: %w", err)
	}
	return redis.NewScript(string(src)), nil
}

// grown checks that a stream has become so much longer.
func grown(ctx context.Context, client *redis.Client, stream string, by int, write func() ([]float64, error)) ([]float64, error) {
	before, err := client.XLen(ctx, stream).Result()
	if err != nil {
		return nil, err
	}
	figures, err := write()
	if err != nil {
		return nil, err
	}
	after, err := client.XLen(ctx, stream).Result()
	if err == nil && after-before != int64(by) {
		err = fmt.Errorf("%d events were written and %s has grown by %d", by, stream, after-before)
	}
	return figures, err
}

// The others' names in the table.
const (
	plainAdd   = "plain XADD, which knows no repeats"
	pipelines  = "the same script in bare pipelines of 64"
	plainCalls = "plain calls of the same script"
	benchmark  = "redis-benchmark -c 64, XADD"
)

// measurePublish compares Bus.Publish from 64 goroutines with plain XADD and with
// the script without the bus.
func measurePublish(ctx context.Context, s *stage) ([]*row, error) {
	var rows []*row
	for _, fsync := range []string{always, everysec} {
		r, err := publishUnder(ctx, s, fsync)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r...)
	}
	return rows, nil
}

func publishUnder(ctx context.Context, s *stage, fsync string) ([]*row, error) {
	const each = 600
	db, err := s.redis(ctx, fsync)
	if err != nil {
		return nil, err
	}
	script, err := s.commitScript()
	if err != nil {
		return nil, err
	}
	b := bus.New(ctx, db, bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	rate := &row{
		Key: "publish-" + fsync, What: "publish, 64 goroutines, " + fsync, Unit: "events/s",
		Bounds: []bound{least(3, plainAdd), least(0.8, pipelines)},
	}
	tail := &row{Key: "publish-p99-" + fsync, What: "publish, 64 goroutines, p99, " + fsync, Unit: "ms", Less: true}
	writing := func(write func(ctx context.Context, w *work) ([]float64, error)) func(context.Context, int) ([]float64, error) {
		return func(ctx context.Context, _ int) ([]float64, error) {
			w, err := prepare(each, publication(benchStream))
			if err != nil {
				return nil, err
			}
			return grown(ctx, db.Client, benchStream, w.len(), func() ([]float64, error) { return write(ctx, w) })
		}
	}
	rows := []*row{rate, tail}
	return rows, s.rounds(ctx, rows,
		contestant{newsfeed, writing(func(ctx context.Context, w *work) ([]float64, error) {
			return side(ctx, w, func(ctx context.Context, c bus.Change) error {
				_, err := b.Publish(ctx, c.Stream, c.Event)
				return err
			})
		})},
		contestant{plainAdd, writing(func(ctx context.Context, w *work) ([]float64, error) {
			return side(ctx, w, func(ctx context.Context, c bus.Change) error { return add(ctx, db.Client, c.Event) })
		})},
		contestant{pipelines, writing(func(ctx context.Context, w *work) ([]float64, error) {
			return piped(ctx, db.Client, script, w)
		})},
		contestant{benchmark, writing(func(ctx context.Context, w *work) ([]float64, error) {
			return redisBenchmark(ctx, db, w)
		})},
	)
}

func add(ctx context.Context, client *redis.Client, e event.Event) error {
	return client.XAdd(ctx, &redis.XAddArgs{Stream: benchStream, Values: e.Fields()}).Err()
}

var perSecond = regexp.MustCompile(`"([0-9.]+)"`)

// redisBenchmark lets Redis's own load generator append one of the events.
func redisBenchmark(ctx context.Context, db database, w *work) ([]float64, error) {
	n := w.len()
	args := []string{"-p", db.addr[len("127.0.0.1:"):], "-c", strconv.Itoa(writers), "-n", strconv.Itoa(n), "--csv", "XADD", benchStream, "*"}
	out, err := exec.CommandContext(ctx, "redis-benchmark", append(args, w[0][0].Event.Fields()...)...).Output() //nolint:gosec // own arguments
	if err != nil {
		return nil, fmt.Errorf("redis-benchmark: %w", err)
	}
	// "test","rps","avg","min","p50","p95","p99","max", each quoted, and the test
	// has quotation marks of its own: count from the end.
	found := perSecond.FindAllStringSubmatch(string(out), -1)
	if len(found) < 7 {
		return nil, errors.New("redis-benchmark answered: " + string(out))
	}
	found = found[len(found)-7:]
	rps, err := strconv.ParseFloat(found[0][1], 64)
	if err != nil {
		return nil, err
	}
	p99, err := strconv.ParseFloat(found[5][1], 64)
	return []float64{rps, p99}, err
}
