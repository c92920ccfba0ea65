package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"newsfeed/internal/bus"
)

// isEntryID reports whether a text is an entry's id without its stream.
func isEntryID(text string) bool {
	_, err := bus.ParseID(text)
	return err == nil && strings.Contains(text, "-")
}

// checkPlace refuses half of a place, and one on a stream that there is not.
func checkPlace(id string) error {
	if isEntryID(id) {
		return usageError{fmt.Errorf("each stream has entries of its own: say of which this is, such as %q", streams()[0]+"/"+id)}
	}
	slash := strings.LastIndexByte(id, '/')
	if slash < 0 || !isEntryID(id[slash+1:]) {
		return nil
	}
	known := streams()
	for _, group := range services() {
		known = append(known, bus.RedriveStream(group))
	}
	if !slices.Contains(known, id[:slash]) {
		return fmt.Errorf("there is no stream %s; those of events are %s", visible(id[:slash], 60), strings.Join(streams(), ", "))
	}
	return nil
}

// writeAbout lists the events that tell of a post or a comment.
func writeAbout(op *operator, found *bus.NotFoundError) error {
	events := slices.SortedFunc(slices.Values(found.About), func(a, b bus.Entry) int { return a.ID.Compare(b.ID) })
	if op.json {
		about := aboutJSON{About: found.ID, Events: []placed{}, More: found.More, Cut: found.Cut}
		for _, e := range events {
			about.Events = append(about.Events, placedOf(e))
		}
		return op.writeJSON(about)
	}
	fmt.Fprintf(op.out, "%s is no event, but what these tell of. Inspect one of them:\n\n", visible(found.ID, 130))
	t := newGrid(op.paint, "TYPE", "SUBJECT", "SINCE", "EVENT", "PLACE")
	for _, e := range events {
		id := e.Event.ID
		if place := e.Stream + "/" + e.ID.String(); id == place {
			id = "-"
		}
		t.add(plain(visible(e.Event.Type, 30)), plain(visible(e.Event.Subject, 60)), plain(ago(time.Since(e.ID.Time()))),
			plain(visible(id, 130)), plain(e.Stream+"/"+e.ID.String()))
	}
	if err := t.write(op.out); err != nil {
		return err
	}
	more := ""
	if found.More {
		more += "There are older ones, too.\n"
	}
	if len(found.Cut) > 0 {
		more += "There may be more: not all of " + strings.Join(found.Cut, ", ") + " was looked through (--scan).\n"
	}
	_, err := io.WriteString(op.out, more)
	return err
}

// aboutJSON is what inspect --json writes of the id of a post or a comment.
type aboutJSON struct {
	About  string   `json:"about"`
	Events []placed `json:"events"`
	More   bool     `json:"more,omitempty"`
	Cut    []string `json:"cut,omitempty"`
}
