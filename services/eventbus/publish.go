package eventbus

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

const (
	// maxType and maxID bound what names an event, in characters.
	maxType = 128
	maxID   = 128
	// maxMember bounds the other members of the envelope.
	maxMember = 256
)

// external is the source of events that do not say who wrote them.
const external = "external"

// incoming is an event as it came over HTTP, by the names of its members.
type incoming map[string]json.RawMessage

// event returns what is put on a stream. Only type and data are asked for, and
// an id must be one: it is what a repetition is known by. What else the envelope
// has is taken if it is usable and passed over if not, as unknown members are.
// Whether the data is right for the type is for the readers to say.
func (in incoming) event(now time.Time) (event.Event, error) {
	var v web.Check
	e := event.Event{Type: in.typ(&v), Data: in.data(&v), ID: in.id(&v)}
	if err := v.Err(); err != nil {
		return event.Event{}, err
	}
	if e.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return event.Event{}, err
		}
		e.ID = id.String()
	}
	e.Source = sourceOf(in.text("source"))
	e.Subject = event.SubjectOf(e.Type, e.Data)
	if event.Owner(e.Type) == event.EventBus {
		e.Subject = cmp.Or(in.text("subject"), e.Subject)
	}
	e.Time = in.time(now)
	e.CausationID = in.text("causationid")
	e.CorrelationID = cmp.Or(in.text("correlationid"), e.CausationID, e.ID)
	if trace := in.text("traceparent"); event.ValidTraceParent(trace) {
		e.TraceParent = trace
	}
	return e, nil
}

// sourceOf makes the source of an event that came in through the door. Owners
// tell by the source what is their own, so nobody outside may use their names.
func sourceOf(claimed string) string {
	ours := []string{event.Posts, event.Comments, event.Moderator, event.Query, event.EventBus}
	switch {
	case claimed == "":
		return external
	case slices.Contains(ours, claimed):
		return external + ":" + claimed
	default:
		return claimed
	}
}

func (in incoming) typ(v *web.Check) string {
	s, ok := in.str("type")
	switch {
	case in.absent("type"):
		v.Add("/type", "must be there")
	case !ok:
		v.Add("/type", "must be a string")
	default:
		n := utf8.RuneCountInString(s)
		v.Require(strings.TrimSpace(s) != "" && n <= maxType && !strings.ContainsFunc(s, unicode.IsControl),
			"/type", "must have 1 to 128 characters, and none of control")
	}
	return s
}

func (in incoming) data(v *web.Check) json.RawMessage {
	raw := in["data"]
	switch {
	case in.absent("data"):
		v.Add("/data", "must be there")
		return nil
	case raw[0] != '{':
		v.Add("/data", "must be an object")
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil { // it was parsed before
		v.Add("/data", "must be an object")
	}
	return b.Bytes()
}

// id returns "" if there is none. White space and what is not ASCII would do for
// JSON, but ids also stand in keys, headers and lines of text.
func (in incoming) id(v *web.Check) string {
	if in.absent("id") {
		return ""
	}
	s, ok := in.str("id")
	bad := strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	v.Require(ok && !bad && len(s) >= 1 && len(s) <= maxID, "/id",
		"must be a string of 1 to 128 visible ASCII characters, unique for ever; without one the event gets its own")
	return s
}

func (in incoming) time(now time.Time) time.Time {
	s, _ := in.str("time")
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || (event.Event{Type: "x", Data: json.RawMessage("{}"), Time: t}).Validate() != nil {
		return now.UTC()
	}
	return t.UTC()
}

// text returns an optional member, "" if it is not there or not usable.
func (in incoming) text(name string) string {
	s, _ := in.str(name)
	if utf8.RuneCountInString(s) > maxMember || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

func (in incoming) absent(name string) bool {
	raw, ok := in[name]
	return !ok || string(raw) == "null"
}

func (in incoming) str(name string) (s string, ok bool) {
	if in.absent(name) || json.Unmarshal(in[name], &s) != nil {
		return "", false
	}
	return s, true
}
