package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// results is what a run leaves behind, as JSON under bench/results.
type results struct {
	Date     time.Time         `json:"date"`
	Machine  machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Redis    string            `json:"redis"` // settings of every Redis, but for appendfsync
	Rounds   int               `json:"rounds"`
	Long     bool              `json:"long,omitempty"`
	Rows     []row             `json:"rows"`
}

// machine is what the figures were measured on.
type machine struct {
	OS     string `json:"os"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	// Load is the load average before the run: what else the machine did.
	Load string `json:"load"`
}

func newResults(ctx context.Context, o options) *results {
	r := &results{
		Date: time.Now().UTC().Truncate(time.Second), Rounds: o.rounds, Long: o.long,
		Redis: strings.Join(settings("…"), " "),
		Machine: machine{
			OS: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(),
			CPU: fileField("/proc/cpuinfo", "model name"), Memory: fileField("/proc/meminfo", "MemTotal"), Load: firstLine("/proc/loadavg"),
		},
		Versions: map[string]string{
			"go":    runtime.Version(),
			"redis": version(ctx, "redis-server", "--version"),
			"nginx": version(ctx, "nginx", "-v"),
			"node":  version(ctx, "node", "--version"),
			"wrk":   version(ctx, "wrk", "-v"),
		},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			switch m.Path {
			case "github.com/ThreeDotsLabs/watermill", "github.com/ThreeDotsLabs/watermill-redisstream",
				"github.com/hibiken/asynq", "github.com/redis/go-redis/v9":
				r.Versions[m.Path] = m.Version
			}
		}
	}
	return r
}

// header says in two lines what the figures are.
func (r *results) header() string {
	return fmt.Sprintf("medians of %d interleaved rounds [smallest–largest], and the ratio of newsfeed's to them\n"+
		"%s, %d × %s, load %s; %s; each Redis of its own: %s",
		r.Rounds, r.Machine.OS, r.Machine.Cores, r.Machine.CPU, r.Machine.Load, r.Versions["redis"], r.Redis)
}

func (r *results) verdict() error {
	for _, row := range r.Rows {
		if !row.met() {
			return errNotMet
		}
	}
	return nil
}

// save writes what was measured under the date of the run, and with -write the
// document.
func (r *results) save(w io.Writer, o options) error {
	if o.rounds < fewest {
		fmt.Fprintf(w, "\n%d rounds are no result: nothing is saved\n", o.rounds)
		return nil
	}
	dir := filepath.Join(o.root, "bench", "results")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	name := r.Date.Format("2006-01-02T150405Z")
	if o.long {
		name += "-long"
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, name+".json")
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	fmt.Fprintf(w, "\nsaved in %s\n", file)
	if !o.write {
		return nil
	}
	return r.document(o.root)
}

// fileField is the value of the first line "name : value" of a file, "" if there
// is none.
func fileField(file, name string) string {
	f, err := os.Open(file) //nolint:gosec // own names
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstLine(file string) string {
	text, _ := os.ReadFile(file) //nolint:gosec // own names
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
