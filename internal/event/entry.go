package event

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// The names of a stream entry's fields, in the order in which they are written.
const (
	fieldType        = "type"
	fieldData        = "data"
	fieldID          = "id"
	fieldSource      = "source"
	fieldSubject     = "subject"
	fieldTime        = "time"
	fieldCorrelation = "correlationid"
	fieldCausation   = "causationid"
	fieldTrace       = "traceparent"
)

// Fields returns the event as the flat list of names and values of a stream
// entry, ready for XADD and readable with redis-cli: type, data, id, source,
// subject, time, correlationid, then causationid and traceparent if there are
// any.
func (e Event) Fields() []string {
	f := make([]string, 0, 18)
	f = append(f,
		fieldType, e.Type,
		fieldData, string(e.Data),
		fieldID, e.ID,
		fieldSource, e.Source,
		fieldSubject, e.Subject,
		fieldTime, e.Time.UTC().Format(time.RFC3339Nano),
		fieldCorrelation, e.CorrelationID,
	)
	if e.CausationID != "" {
		f = append(f, fieldCausation, e.CausationID)
	}
	if e.TraceParent != "" {
		f = append(f, fieldTrace, e.TraceParent)
	}
	return f
}

// Parse reads a stream entry. stream and entryID say where it stood: an entry
// written by hand (redis-cli XADD … type … data …) may lack everything but type
// and data, and then gets its id from its place, its time from the
// milliseconds in entryID, its correlation from its id and its subject from its
// data. Every error wraps [ErrMalformed].
func Parse(stream, entryID string, fields map[string]string) (Event, error) {
	e := Event{
		Type:          fields[fieldType],
		Data:          json.RawMessage(fields[fieldData]),
		ID:            fields[fieldID],
		Source:        fields[fieldSource],
		Subject:       fields[fieldSubject],
		CorrelationID: fields[fieldCorrelation],
		CausationID:   fields[fieldCausation],
		TraceParent:   fields[fieldTrace],
	}
	if e.Type == "" {
		return e, fmt.Errorf("%w: entry %s of %s has no type", ErrMalformed, entryID, stream)
	}
	if !isObject(e.Data) {
		return e, fmt.Errorf("%w: data of entry %s of %s is not a JSON object", ErrMalformed, entryID, stream)
	}
	if e.ID == "" {
		e.ID = stream + "/" + entryID
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	if t, err := time.Parse(time.RFC3339Nano, fields[fieldTime]); err == nil {
		e.Time = t.UTC()
	} else {
		e.Time = entryTime(entryID)
	}
	if e.Subject == "" {
		e.Subject = subjectOf(e.Type, e.Data)
	}
	return e, nil
}

// isObject reports whether data is one JSON object in valid UTF-8.
func isObject(data []byte) bool {
	for i, c := range data {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return json.Valid(data[i:]) && utf8.Valid(data)
		}
		return false
	}
	return false
}

// entryTime reads the milliseconds of a stream entry's id ("1699999999999-0").
func entryTime(entryID string) time.Time {
	var ms int64
	for _, c := range entryID {
		if c < '0' || c > '9' {
			break
		}
		ms = ms*10 + int64(c-'0')
	}
	return time.UnixMilli(ms).UTC()
}

// subjectOf finds the post that the data is about, or "" when it says none.
func subjectOf(typ string, data []byte) string {
	var ref struct {
		ID     any `json:"id"`
		PostID any `json:"postId"`
	}
	// A wrong type of either is for Decode to report.
	_ = json.Unmarshal(data, &ref)
	subject := ref.PostID
	if Owner(typ) == Posts {
		subject = ref.ID
	}
	s, _ := subject.(string)
	return s
}
