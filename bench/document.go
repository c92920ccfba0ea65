package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// document rewrites what stands between the markers in docs/performance.md, and
// the chart beside it. No figure there is typed by hand.
func (r *results) document(root string) error {
	part := "table"
	if r.Long {
		part = "long"
	}
	file := filepath.Join(root, "docs", "performance.md")
	old, err := os.ReadFile(file) //nolint:gosec // the project's own
	if err != nil {
		return err
	}
	text, err := between(old, part, r.section(part))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	chart := filepath.Join(root, "docs", "performance-"+part+".svg")
	return os.WriteFile(chart, chartOf(r.Rows), 0o644) //nolint:gosec // for everybody to read
}

// section is the text between the markers.
func (r *results) section(part string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "![How far each bound is met](performance-%s.svg)\n\n", part)
	fmt.Fprintf(&b, "Measured on %s, on %s with %d × %s and %s of memory, load average before the run %s. Medians of %d interleaved rounds.\n\n",
		r.Date.Format("2 January 2006"), r.Machine.OS, r.Machine.Cores, r.Machine.CPU, r.Machine.Memory, r.Machine.Load, r.Rounds)
	var versions []string
	for name, v := range r.Versions {
		if v != "" {
			versions = append(versions, fmt.Sprintf("%s `%s`", name, v))
		}
	}
	slices.Sort(versions)
	fmt.Fprintf(&b, "%s. Every Redis: `%s`.\n\n%s", strings.Join(versions, ", "), r.Redis, markdown(r.Rows))
	return b.String()
}

// between replaces what stands between the markers of a part.
func between(text []byte, part, section string) ([]byte, error) {
	begin, end := "<!-- bench:"+part+" -->\n", "<!-- /bench:"+part+" -->"
	head, rest, ok := bytes.Cut(text, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, fmt.Errorf("the markers %s and %s are not there", strings.TrimSpace(begin), end)
	}
	return slices.Concat(head, []byte(begin), []byte(section), []byte(end), tail), nil
}
