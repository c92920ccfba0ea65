package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// FieldSubject is the field of a stream entry that says which post it is about,
// for readers that sort entries before they parse them.
const FieldSubject = "subject"

// FieldID, FieldType, FieldData and FieldSource are the fields that hold the event's
// id, its type, what it tells and who wrote it.
const (
	FieldID     = "id"
	FieldType   = "type"
	FieldData   = "data"
	FieldSource = "source"
)

// FieldCorrelation and FieldCausation are the fields by which the events of a
// chain are found.
const (
	FieldCorrelation = "correlationid"
	FieldCausation   = "causationid"
)

// The names of a stream entry's other fields, in the order in which they are written.
const (
	fieldTime  = "time"
	fieldTrace = "traceparent"
)

// FieldNames returns the names of a stream entry's fields in the order in which
// they are written.
func FieldNames() [9]string {
	return [9]string{
		FieldType, FieldData, FieldID, FieldSource, FieldSubject, fieldTime, FieldCorrelation, FieldCausation, fieldTrace,
	}
}

// Values returns what stands in the fields of [FieldNames]; "" is for a field
// that the entry does not have.
func (e Event) Values() [9]string {
	return [9]string{
		e.Type, string(e.Data), e.ID, e.Source, e.Subject,
		e.Time.UTC().Format(time.RFC3339Nano), e.CorrelationID, e.CausationID, e.TraceParent,
	}
}

// Fields returns the event as the flat list of names and values of a stream
// entry, ready for XADD and readable with redis-cli: type, data, id, source,
// subject, time, correlationid, causationid and traceparent, as far as the event
// has them.
func (e Event) Fields() []string {
	names, values := FieldNames(), e.Values()
	f := make([]string, 0, 2*len(names))
	for i, value := range values {
		if value != "" {
			f = append(f, names[i], value)
		}
	}
	return f
}

// Parse reads a stream entry. stream and entryID say where it stood: an entry
// written by hand (redis-cli XADD … type … data …) may lack everything but type
// and data, and then gets its id from its place ("{posts}:events/1699999999999-0"),
// its time from the milliseconds in entryID, its correlation from its id and its
// subject from its data. A time that is none counts as missing. Every error
// wraps [ErrMalformed]; the event returned with it holds what could be read.
//
// The values of fields are strings; V is string, or any as a client returns them.
func Parse[V any](stream, entryID string, fields map[string]V) (Event, error) {
	field := func(name string) string {
		value, _ := any(fields[name]).(string)
		return value
	}
	e := Event{
		Type:          field(FieldType),
		Data:          json.RawMessage(field(FieldData)),
		ID:            field(FieldID),
		Source:        field(FieldSource),
		Subject:       field(FieldSubject),
		CorrelationID: field(FieldCorrelation),
		CausationID:   field(FieldCausation),
		TraceParent:   field(fieldTrace),
	}
	if e.ID == "" {
		e.ID = stream + "/" + entryID
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	if t, err := time.Parse(time.RFC3339Nano, field(fieldTime)); err == nil && writable(t) {
		e.Time = t.UTC()
	} else {
		e.Time = entryTime(entryID)
	}
	if e.Subject == "" {
		e.Subject = SubjectOf(e.Type, e.Data)
	}
	if err := e.Validate(); err != nil {
		return e, fmt.Errorf("entry %s of %s: %w", entryID, stream, err)
	}
	return e, nil
}

// isObject reports whether data is one JSON object in valid UTF-8.
func isObject(data []byte) bool {
	for _, c := range data {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return json.Valid(data) && utf8.Valid(data)
		}
		return false
	}
	return false
}

// lastMilli is the last millisecond that RFC 3339 can write. Redis takes entry
// ids far beyond it.
const lastMilli = 253402300799999

// entryTime reads the milliseconds of a stream entry's id ("1699999999999-0").
func entryTime(entryID string) time.Time {
	digits, _, _ := strings.Cut(entryID, "-")
	ms, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		ms = 0
	}
	return time.UnixMilli(int64(min(ms, lastMilli))).UTC()
}

// writable reports whether t, in UTC, has a year of four digits: outside the
// years 1 to 9999 RFC 3339 cannot write it and json.Marshal fails.
func writable(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 1 && y <= 9999
}

// SubjectOf returns the id of the post that the data of an event of type typ is
// about, or "" when it names none. A wrong type of it is for [Event.Decode] to
// report.
func SubjectOf(typ string, data []byte) string {
	name := "postId"
	if Owner(typ) == Posts {
		name = "id"
	}
	m, err := membersOf(data)
	if err != nil {
		return ""
	}
	if s := m.text(name); s != nil {
		return *s
	}
	return ""
}
