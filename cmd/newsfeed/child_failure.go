package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// tailSize is how much is kept of what a child writes, and shown of its log.
const tailSize = 2 << 10

// lastOutput keeps the end of what is written to it.
type lastOutput struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer].
func (t *lastOutput) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(p), nil
}

// String is what has been kept.
func (t *lastOutput) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// failure explains what with the words of redis-server itself: what it wrote to
// its standard error, or else the end of its log.
func (c *child) failure(what, stderr string) error {
	log := filepath.Join(c.dir, "redis.log")
	reason := lastLines(stderr)
	if reason == "" {
		reason = lastLines(endOf(log))
	}
	if _, err := os.Stat(log); err == nil {
		what += " (its log is " + log + ")"
	}
	if full := probeDisk(c.dir); full != nil { // then not even the log can say so
		return fmt.Errorf("%s: %w", what, full)
	}
	if reason == "" {
		return errors.New(what + " and said nothing")
	}
	return fmt.Errorf("%s: %s", what, reason)
}

// probeDisk returns why nothing can be written to a directory, nil if something can.
func probeDisk(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, tailSize))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// lastLines returns the last lines of a text in one, those of Redis's banner left out.
func lastLines(text string) string {
	const most = 3
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "***") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "; ")
}

// endOf returns the end of a file, "" if it cannot be read.
func endOf(path string) string {
	f, err := os.Open(path) //nolint:gosec // the log of our own child
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(-tailSize, io.SeekEnd); err != nil {
		_, err = f.Seek(0, io.SeekStart)
		if err != nil {
			return ""
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, tailSize))
	if err != nil {
		return ""
	}
	return string(text)
}
