package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"newsfeed/internal/bus"
)

// writeInspection writes the envelope, and below it the chain as a tree.
func writeInspection(op *operator, found *inspectedChain) error {
	var b strings.Builder
	writeEnvelope(&b, op.paint, &found.inspected)
	fmt.Fprintf(&b, "\n%s\n", op.paint.in(colourBold, "CHAIN"))
	d := newDrawing(bool(op.paint))
	for _, cause := range found.Causes {
		writeLink(&b, op.paint, d, cause)
	}
	writeLink(&b, op.paint, d, &found.inspected)
	b.WriteString(found.hints(op.paint))
	_, err := io.WriteString(op.out, b.String())
	return err
}

func writeEnvelope(b *strings.Builder, p paint, one *inspected) {
	e := one.entry.Event
	fmt.Fprintf(b, "%s\n", p.in(colourBold, visible(e.Type, 60)))
	for _, line := range [][2]string{
		{"id", e.ID}, {"place", one.Stream + "/" + one.Entry}, {"time", e.Time.Format(time.RFC3339Nano)},
		{"source", e.Source}, {"subject", e.Subject}, {"correlation", e.CorrelationID}, {"causation", e.CausationID},
		{"traceparent", e.TraceParent},
	} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %-12s %s\n", line[0], visible(line[1], 200))
		}
	}
	fmt.Fprintf(b, "  data\n")
	var data bytes.Buffer
	if json.Indent(&data, e.Data, "", "  ") != nil {
		data.Reset()
		data.Write(e.Data)
	}
	for line := range strings.Lines(data.String()) {
		fmt.Fprintf(b, "    %s\n", visible(strings.TrimSuffix(line, "\n"), 2000))
	}
}

// writeLink writes an event, what the groups did with it, and its effects.
func writeLink(b *strings.Builder, p paint, d *drawing, one *inspected) {
	line := strings.TrimSuffix(d.draw(one.entry), "\n")
	if one.asked {
		line += "  " + p.in(colourBold, "◀")
	}
	fmt.Fprintln(b, line)
	indent := strings.Repeat(" ", len("15:04:05.000  "))
	place := one.Stream + "/" + one.Entry
	if id := one.entry.Event.ID; id != place {
		place += "  " + visible(id, 130)
	}
	fmt.Fprintf(b, "%s%s\n", indent, p.in(colourGrey, place))
	width := 0
	for _, g := range one.Groups {
		width = max(width, len(visible(g.Group, 40)))
	}
	for _, g := range one.Groups {
		fmt.Fprintf(b, "%s%-*s  %s\n", indent, width, visible(g.Group, 40), g.text(p))
	}
	if len(one.Groups) == 0 {
		fmt.Fprintf(b, "%s%s\n", indent, p.in(colourGrey, "no group reads this stream"))
	}
	for _, effect := range one.Effects {
		writeLink(b, p, d, effect)
	}
}

// text says what a group did.
func (g groupDid) text(p paint) string {
	with := ""
	if g.Consumer != "" {
		times := "once"
		if g.Delivered != 1 {
			times = thousands(g.Delivered) + " times"
		}
		with = fmt.Sprintf(", with %s, delivered %s, %s ago",
			visible(g.Consumer, 64), times, ago(time.Duration(g.IdleMs)*time.Millisecond))
	}
	switch g.State {
	case bus.StateDone:
		return p.in(colourGreen, "done")
	case bus.StateWaiting:
		return p.in(colourYellow, "waiting")
	case bus.StatePending:
		return p.in(colourYellow, "pending") + with
	case bus.StateSentBack:
		return p.in(colourYellow, "sent back") + with
	case bus.StateDead:
		times := "1 attempt"
		if g.Attempts != 1 {
			times = fmt.Sprint(g.Attempts, " attempts")
		}
		return fmt.Sprintf("%s after %s, %s ago: %s", p.in(colourRed, "dead"), times, ago(time.Since(g.Died)), visible(g.Error, 200))
	}
	return string(g.State)
}
