package moderator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// watched is what a file says, kept as it was while the file has a mistake.
type watched[T any] struct {
	what    string // what the file holds, for the log
	path    string // "" means what is built into the program
	most    int    // bytes that the file may have
	parse   func([]byte) (T, error)
	current atomic.Pointer[T]

	mu    sync.Mutex
	state fileState

	// What follows belongs to the one goroutine that is in Watch.

	tried   []byte // the content last seen, good or bad
	trouble string // why the file could not be read the last time; "" if it could
}

// fileState is how a file fares.
type fileState struct {
	// Loaded is when what is in force was loaded.
	Loaded time.Time `json:"loaded"`
	// Error is why what the file says now is not in force, "" if it is, and
	// Failed when that was found.
	Error  string    `json:"error,omitempty"`
	Failed time.Time `json:"failed,omitzero"`
	// Mistakes are those that Error is about, one by one.
	Mistakes Mistakes `json:"mistakes,omitempty"`
}

// open loads the file at path, or what is built in when path is "".
func open[T any](what, path, builtIn string, most int, parse func([]byte) (T, error)) (*watched[T], error) {
	data := []byte(builtIn)
	if path != "" {
		var err error
		if data, err = readFile(path, most); err != nil {
			return nil, fmt.Errorf("%s file: %w", what, err)
		}
	}
	content, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s file %s: %w", what, path, err)
	}
	f := &watched[T]{what: what, path: path, most: most, parse: parse, tried: data, state: fileState{Loaded: time.Now().UTC()}}
	f.current.Store(&content)
	return f, nil
}

// Current returns what is in force. It may be called from any goroutine.
func (f *watched[T]) Current() T { return *f.current.Load() }

// State returns how the file fares. It may be called from any goroutine.
func (f *watched[T]) State() fileState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

// Watch reads the file every interval, puts what it says in force when the content
// has changed, and returns when ctx ends. interval must be positive. It must not
// run twice at a time.
//
// It compares the content and does not wait for the system's notices: editors
// and mounted config maps put a new file in the place of the old one, which is
// what such notices miss.
func (f *watched[T]) Watch(ctx context.Context, interval time.Duration, log *slog.Logger) {
	if f.path == "" {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.reload(log)
		}
	}
}

// reload looks at the file once. What is wrong with it is logged when it is
// first seen and not again until something else is seen.
func (f *watched[T]) reload(log *slog.Logger) {
	log = log.With("file", f.path)
	data, err := readFile(f.path, f.most)
	if err != nil {
		if f.trouble != err.Error() {
			f.trouble = err.Error()
			f.failed(err)
			log.Warn(fmt.Sprintf("cannot read the %s file, the old %s stay in force", f.what, f.what), "error", err)
		}
		return
	}
	back := f.trouble != ""
	f.trouble = ""
	if bytes.Equal(data, f.tried) {
		if back {
			_, err = f.parse(data)
			f.failed(err)
		}
		return
	}
	f.tried = data
	content, err := f.parse(data)
	f.failed(err)
	if err != nil {
		log.Warn(fmt.Sprintf("the %s file has a mistake, the old %s stay in force", f.what, f.what), "error", err)
		return
	}
	f.current.Store(&content)
	f.mu.Lock()
	f.state.Loaded = time.Now().UTC()
	f.mu.Unlock()
	f.logLoaded(log, content)
}

// logLoaded logs what is in force, and what is to be warned about in it.
func (f *watched[T]) logLoaded(log *slog.Logger, content T) {
	log.Info(fmt.Sprintf("new %s are in force", f.what), f.what, content)
	if c, ok := any(content).(interface{ Warnings() Mistakes }); ok && len(c.Warnings()) > 0 {
		all := c.Warnings()
		log.Warn(fmt.Sprintf("entries of the %s file may not mean what they seem to", f.what),
			"count", len(all), "warnings", all[:min(len(all), maxMistakes)].list())
	}
}

// failed notes why the file is not in force; nil, that it is.
func (f *watched[T]) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Error, f.state.Failed, f.state.Mistakes = "", time.Time{}, mistakesIn(err)
	if err != nil {
		f.state.Error, f.state.Failed = err.Error(), time.Now().UTC()
	}
}

// readFile returns the file's content, cut off one byte above what it may have.
func readFile(path string, most int) ([]byte, error) {
	// Opening a pipe would wait for its writer, for ever perhaps.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path) //nolint:gosec // the operator says which file
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	return data, errors.Join(err, file.Close())
}
