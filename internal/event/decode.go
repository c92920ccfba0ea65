package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Decode returns the payload by value: a [Post], [PostDeleted], [Comment],
// [CommentModerated], [CommentDeleted], [PostTakenDown] or [Block]. It accepts exactly what the type's
// JSON Schema accepts (see [Schema]): unknown members are ignored, null means
// absent, times come out in UTC. The status of CommentCreated and CommentEdited
// is always [Pending]: nobody can say a comment past the moderator. The error
// wraps [ErrMalformed] or [ErrUnknownType].
func (e Event) Decode() (Payload, error) {
	if Owner(e.Type) == EventBus {
		return nil, fmt.Errorf("%w: %s", ErrUnknownType, e.Type)
	}
	m, err := membersOf(e.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", ErrMalformed, e.Type, e.ID, err)
	}
	payload := payloadOf(e.Type, m)
	// A member of a wrong type was read as absent: name only the cause.
	if err := errors.Join(m.errs...); err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", ErrMalformed, e.Type, e.ID, err)
	}
	if err := payload.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", ErrMalformed, e.Type, e.ID, err)
	}
	return payload, nil
}

// payloadOf reads the members that a type of the vocabulary has.
func payloadOf(typ string, m *members) Payload {
	switch typ {
	case TypePostDeleted:
		return PostDeleted{ID: m.id("id"), Version: m.count("version")}
	case TypeCommentDeleted:
		return CommentDeleted{PostID: m.id("postId"), ID: m.id("id"), Version: m.count("version")}
	case TypeCommentModerated:
		return CommentModerated{
			PostID: m.id("postId"), ID: m.id("id"), Content: m.text("content"),
			Status: m.status("status"), Reason: m.text("reason"), Note: m.text("note"),
			Rule: m.text("rule"), Moderator: m.text("moderator"),
			Version: m.count("version"), Decision: m.count("decision"),
		}
	case TypePostTakenDown:
		return PostTakenDown{
			ID: m.id("id"), Reason: m.text("reason"), Note: m.text("note"), Moderator: m.text("moderator"),
		}
	case TypeBlockAdded, TypeBlockRemoved:
		return Block{
			PostID: m.id("postId"), CommentID: m.text("commentId"), ID: m.id("id"),
			AuthorKey: m.text("authorKey"), NetworkKey: m.text("networkKey"),
			Then: m.text("then"), Reason: m.text("reason"), Moderator: m.text("moderator"), Until: m.instant("until"),
		}
	case TypeCommentCreated, TypeCommentEdited, TypeCommentUpdated:
		c := Comment{
			PostID: m.id("postId"), ID: m.id("id"), Content: m.text("content"),
			Author: m.text("author"), AuthorKey: m.text("authorKey"), AuthorKeys: m.texts("authorKeys"),
			NetworkKey: m.text("networkKey"), NetworkKeys: m.texts("networkKeys"),
			Status: m.status("status"), Reason: m.text("reason"), Note: m.text("note"),
			CreatedAt: m.instant("createdAt"), Version: m.count("version"),
		}
		if typ != TypeCommentUpdated {
			c.Status = new(Pending)
		}
		return c
	default:
		return Post{
			ID: m.id("id"), Title: m.text("title"), Body: m.text("body"), Author: m.text("author"),
			CreatedAt: m.instant("createdAt"), Version: m.count("version"),
		}
	}
}

// members are the members of a JSON object and what was found wrong with them.
// Each is read by its exact name, as every other language does it: json.Unmarshal
// into a struct would also take "STATUS" for status, whichever comes last.
type members struct {
	raw  map[string]json.RawMessage
	errs []error
}

func membersOf(data []byte) (*members, error) {
	m := &members{}
	if err := json.Unmarshal(data, &m.raw); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	return m, nil
}

// text returns the named string, or nil if it is absent, null, or no string.
func (m *members) text(name string) *string {
	raw, ok := m.raw[name]
	if !ok {
		return nil
	}
	// Most texts stand there as they are; the decoder is for the others.
	if raw[0] == '"' && utf8.Valid(raw) && bytes.IndexByte(raw, '\\') < 0 {
		return new(string(raw[1 : len(raw)-1]))
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil {
		m.errs = append(m.errs, fmt.Errorf("%s is not a string", name))
		return nil
	}
	return s
}

// texts returns the named list of strings, or nil if it is absent, null, empty, or
// no such list.
func (m *members) texts(name string) []string {
	raw, ok := m.raw[name]
	if !ok {
		return nil
	}
	var list []*string
	if err := json.Unmarshal(raw, &list); err != nil || slices.Contains(list, nil) {
		m.errs = append(m.errs, fmt.Errorf("%s is not a list of strings", name))
		return nil
	}
	var texts []string
	for _, s := range list {
		texts = append(texts, *s)
	}
	return texts
}

func (m *members) id(name string) string {
	if s := m.text(name); s != nil {
		return *s
	}
	return ""
}

func (m *members) status(name string) *Status {
	if s := m.text(name); s != nil {
		return new(Status(*s))
	}
	return nil
}

// timePattern is the form of RFC 3339 as the schemas have it: package time also
// takes "T1:02:03Z", a comma for the point, and offsets up to 24:60.
var timePattern = regexp.MustCompile(
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// instant returns the named RFC 3339 time in UTC, so that one instant has one
// form however its writer put it.
func (m *members) instant(name string) *time.Time {
	s := m.text(name)
	if s == nil {
		return nil
	}
	t, err := time.Parse(time.RFC3339, *s)
	if err != nil || !timePattern.MatchString(*s) {
		m.errs = append(m.errs, fmt.Errorf("%s %.40q is not an RFC 3339 time", name, *s))
		return nil
	}
	return new(t.UTC())
}

// count returns the named whole number in whatever way it is written: 2, 2.0
// and 2e0 are one number in JSON, and some languages write the longer forms.
func (m *members) count(name string) *int64 {
	raw, ok := m.raw[name]
	if !ok || string(raw) == "null" {
		return nil
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return &n
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > maxCount {
		m.errs = append(m.errs, fmt.Errorf("%s is not a whole number up to 2^53-1", name))
		return nil
	}
	return new(int64(f))
}
