package main

import (
	"io"
	"strings"
	"text/tabwriter"
)

// paint colours texts, or leaves them as they are.
type paint bool

// The colours' codes all have two characters, so that text/tabwriter, which
// counts them, finds every cell of a column longer by the same.
const (
	colourNone   = "39"
	colourBold   = "01"
	colourRed    = "31"
	colourGreen  = "32"
	colourYellow = "33"
	colourGrey   = "90"
)

func (p paint) in(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// cell is a text of a table, and its colour.
type cell struct{ text, code string }

func plain(text string) cell { return cell{text, colourNone} }

// grid is a table: columns under a head.
type grid struct {
	paint paint
	rows  [][]cell
}

func newGrid(p paint, head ...string) *grid {
	t := &grid{paint: p}
	cells := make([]cell, len(head))
	for i, text := range head {
		cells[i] = cell{text, colourBold}
	}
	t.rows = append(t.rows, cells)
	return t
}

func (t *grid) add(cells ...cell) { t.rows = append(t.rows, cells) }

// empty reports whether there is nothing under the head.
func (t *grid) empty() bool { return len(t.rows) == 1 }

// write writes the table to w.
func (t *grid) write(w io.Writer) error {
	var b strings.Builder
	columns := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		for i, c := range row {
			if i > 0 {
				_, _ = io.WriteString(columns, "\t") // to memory
			}
			_, _ = io.WriteString(columns, t.paint.in(c.code, c.text))
		}
		_, _ = io.WriteString(columns, "\n")
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, withoutTrailingSpace(b.String()))
	return err
}

// withoutTrailingSpace takes away the padding of cells that are empty at the end
// of their line.
func withoutTrailingSpace(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}
