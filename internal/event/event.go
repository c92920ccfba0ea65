// Package event is the vocabulary of the feed: what can happen, what each
// event carries, and how it is written on a Redis stream and on HTTP.
//
// An event is a fact in the past tense. Its envelope follows CloudEvents 1.0
// where that has a name for the field; its data is one of the payload types of
// this package ([Post], [PostDeleted], [Comment], [CommentModerated],
// [CommentDeleted], [PostTakenDown], [Block]). Readers are tolerant: unknown fields and unknown types
// are no error, and producers that are not part of this project may leave out
// whatever the payload's Validate does not ask for.
//
// The package knows no Redis client and no service; everything else may
// import it.
package event

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// The types of event. Each belongs to the stream of one owner, see [Owner].
const (
	TypePostCreated      = "PostCreated"
	TypePostUpdated      = "PostUpdated"
	TypePostDeleted      = "PostDeleted"
	TypeCommentCreated   = "CommentCreated"
	TypeCommentEdited    = "CommentEdited"
	TypeCommentUpdated   = "CommentUpdated"
	TypeCommentModerated = "CommentModerated"
	TypeCommentDeleted   = "CommentDeleted"
	TypePostTakenDown    = "PostTakenDown"
	TypeBlockAdded       = "BlockAdded"
	TypeBlockRemoved     = "BlockRemoved"
)

// The services that own a stream. A service's name is also the name of its
// consumer group on every stream that it reads.
const (
	Posts     = "posts"
	Comments  = "comments"
	Moderator = "moderator"
	Query     = "query"
	EventBus  = "eventbus"
)

// Stream returns the name of the stream that the service writes, for example
// "{posts}:events". The braces are a Redis Cluster hash tag: all keys of one
// service lie in one slot, so that one script can touch them together.
func Stream(service string) string { return "{" + service + "}:events" }

// Types returns every type of the vocabulary in the order of their lives.
func Types() []string {
	return []string{
		TypePostCreated, TypePostUpdated, TypePostDeleted,
		TypeCommentCreated, TypeCommentEdited, TypeCommentUpdated,
		TypeCommentModerated, TypeCommentDeleted,
		TypePostTakenDown, TypeBlockAdded, TypeBlockRemoved,
	}
}

// Owner returns the service in whose stream events of type typ live. Types
// that the vocabulary does not know live with [EventBus].
func Owner(typ string) string {
	switch typ {
	case TypePostCreated, TypePostUpdated, TypePostDeleted:
		return Posts
	case TypeCommentCreated, TypeCommentEdited, TypeCommentUpdated, TypeCommentDeleted:
		return Comments
	case TypeCommentModerated, TypePostTakenDown, TypeBlockAdded, TypeBlockRemoved:
		return Moderator
	default:
		return EventBus
	}
}

// Event is the envelope. On HTTP it is this struct's JSON; on a stream it is
// the list of [Event.Fields].
type Event struct {
	// Type is one of the Type constants, or a name this package does not know.
	Type string `json:"type"`
	// Data is a JSON object; see [Event.Decode].
	Data json.RawMessage `json:"data"`
	// ID is unique for ever. Events made here carry a UUIDv7.
	ID string `json:"id,omitempty"`
	// Source names the service that wrote the event.
	Source string `json:"source,omitempty"`
	// Subject is the id of the post that the event is about. Events of one
	// subject are handled in order where that is possible.
	Subject string `json:"subject,omitempty"`
	// Time is when it happened, in UTC.
	Time time.Time `json:"time,omitzero"`
	// CorrelationID is the ID of the first event of the chain.
	CorrelationID string `json:"correlationid,omitempty"`
	// CausationID is the ID of the event that led to this one; empty on the
	// first of a chain.
	CausationID string `json:"causationid,omitempty"`
	// TraceParent is the W3C trace context of the writer, empty without tracing.
	TraceParent string `json:"traceparent,omitempty"`
}

// New makes the first event of a chain: source states the payload as a fact
// that happened at now. It fails only if the payload breaks its own rules or
// does not belong to typ, which is a mistake of the caller. A typ outside the
// vocabulary may carry any payload.
func New(source, typ string, payload Payload, now time.Time) (Event, error) {
	if err := errors.Join(fits(typ, payload), payload.Validate()); err != nil {
		return Event{}, fmt.Errorf("make %s: %w", typ, err)
	}
	data, err := marshal(payload)
	if err != nil {
		return Event{}, fmt.Errorf("make %s: %w", typ, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Event{}, fmt.Errorf("make %s: %w", typ, err)
	}
	return Event{
		Type: typ, Data: data, ID: id.String(), Source: source,
		Subject: payload.PostKey(), Time: now.UTC(), CorrelationID: id.String(),
	}, nil
}

// fits reports a payload that is not what events of type typ carry.
func fits(typ string, payload Payload) error {
	if Owner(typ) == EventBus {
		return nil
	}
	ok := false
	switch p := payload.(type) {
	case Post:
		ok = typ == TypePostCreated || typ == TypePostUpdated
	case PostDeleted:
		ok = typ == TypePostDeleted
	case Comment:
		if typ == TypeCommentCreated || typ == TypeCommentEdited {
			// Readers take it as pending whatever it says; see Decode.
			ok = p.Status != nil && *p.Status == Pending
		} else {
			ok = typ == TypeCommentUpdated
		}
	case CommentModerated:
		ok = typ == TypeCommentModerated
	case CommentDeleted:
		ok = typ == TypeCommentDeleted
	case PostTakenDown:
		ok = typ == TypePostTakenDown
	case Block:
		ok = typ == TypeBlockAdded || typ == TypeBlockRemoved
	}
	if !ok {
		return fmt.Errorf("%T, or its status, does not belong to this type", payload)
	}
	return nil
}

// marshal is json.Marshal without the escapes for HTML, which make Markdown
// hard to read in redis-cli.
func marshal(payload Payload) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(payload); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Foreign reports whether somebody else than the owner of its type wrote e. What
// only the owner numbers means nothing in a foreign event.
func (e Event) Foreign() bool { return e.Source != Owner(e.Type) }

// CausedBy returns e as an effect of cause: it joins the chain of cause.
func (e Event) CausedBy(cause Event) Event {
	e.CausationID = cause.ID
	e.CorrelationID = cmp.Or(cause.CorrelationID, cause.ID, e.CorrelationID)
	return e
}

// Validate reports an envelope that cannot go on a stream: one without a type,
// with data that is not one JSON object in UTF-8, or with a time outside the
// years 1 to 9999. Whether the data is right for the type is for [Event.Decode]
// to say. The error wraps [ErrMalformed].
func (e Event) Validate() error {
	switch {
	case e.Type == "":
		return fmt.Errorf("%w: type is missing", ErrMalformed)
	case !isObject(e.Data):
		return fmt.Errorf("%w: data is not a JSON object", ErrMalformed)
	case !writable(e.Time):
		return fmt.Errorf("%w: time is outside the years 1 to 9999", ErrMalformed)
	}
	return nil
}

var (
	// ErrMalformed is in the chain of every error that means: this entry can
	// never be understood, and trying again is of no use.
	ErrMalformed = errors.New("malformed event")
	// ErrUnknownType says that the vocabulary does not have the event's type.
	// That is no fault: newer producers may say more than an older reader knows.
	ErrUnknownType = errors.New("unknown event type")
)
