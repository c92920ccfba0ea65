package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// remembered is how many events a drawing knows as possible causes.
const remembered = 4096

// drawing draws events as lines, an effect below its cause with the time that
// lies between them. It remembers the latest events; an effect whose cause it
// does not know is drawn as the first of a chain.
type drawing struct {
	colour bool
	known  map[string]place
	order  []string // of known, oldest first
}

// place is where an event stands in its chain.
type place struct {
	depth int
	time  time.Time
}

func newDrawing(colour bool) *drawing { return &drawing{colour: colour, known: map[string]place{}} }

// draw returns the line for an entry, with its end.
func (d *drawing) draw(e bus.Entry) string {
	at := e.Event.Time
	if at.IsZero() {
		at = e.ID.Time()
	}
	cause, caused := d.known[e.Event.CausationID]
	p := place{time: at}
	name, since := e.Event.Type, ""
	if caused {
		p.depth = cause.depth + 1
		name = strings.Repeat("   ", cause.depth) + "└─ " + name
		since = fmt.Sprintf("%+d ms", at.Sub(cause.time).Milliseconds())
	}
	d.remember(e.Event.ID, p)
	source := e.Event.Source
	if source == "" {
		source = strings.Trim(strings.TrimSuffix(e.Stream, ":events"), "{}")
	}
	line := fmt.Sprintf("%s  %-10s %-26s %8s  %s", at.Format("15:04:05.000"), visible(source, 10),
		visible(name, 60), since, d.about(e.Event))
	return strings.TrimRight(line, " ") + "\n"
}

func (d *drawing) remember(id string, p place) {
	if _, ok := d.known[id]; ok || id == "" {
		return
	}
	if len(d.order) == remembered {
		delete(d.known, d.order[0])
		d.order = d.order[1:]
	}
	d.known[id] = p
	d.order = append(d.order, id)
}

// about says what the event tells.
func (d *drawing) about(e event.Event) string {
	payload, err := e.Decode()
	switch p := payload.(type) {
	case event.Post:
		return quote(*p.Title)
	case event.PostDeleted:
		return visible(p.ID, 40)
	case event.Comment:
		return d.status(*p.Status) + "  " + quote(*p.Content)
	case event.CommentModerated:
		return d.status(*p.Status) + by(p.Moderator, p.Reason)
	case event.CommentDeleted:
		return visible(p.ID, 40)
	case event.PostTakenDown:
		return visible(p.ID, 40) + by(p.Moderator, p.Reason)
	case event.Block:
		return visible(p.ID, 40) + by(p.Moderator, p.Reason)
	}
	if err != nil {
		return visible(err.Error(), 80)
	}
	return ""
}

// by says who decided and why, as far as the event does.
func by(moderator, reason *string) string {
	text := ""
	if moderator != nil && *moderator != "" {
		text = " (" + visible(*moderator, 20) + ")"
	}
	if reason != nil && *reason != "" {
		text += " " + visible(*reason, 60)
	}
	return text
}

// status colours a status: green, red, yellow for held, grey for pending.
func (d *drawing) status(s event.Status) string {
	codes := map[event.Status]string{event.Approved: "32", event.Rejected: "31", event.Flagged: "33", event.Pending: "90"}
	if !d.colour {
		return string(s)
	}
	return "\x1b[" + codes[s] + "m" + string(s) + "\x1b[0m"
}

func quote(s string) string { return `"` + visible(s, 60) + `"` }

// visible shortens a text that anybody may have written to one line of at most n
// characters, and shows what a terminal would obey.
func visible(s string, n int) string {
	var b strings.Builder
	for i, r := range []rune(s) {
		if i == n {
			b.WriteRune('…')
			break
		}
		switch {
		case r == '\n':
			b.WriteRune('⏎')
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
