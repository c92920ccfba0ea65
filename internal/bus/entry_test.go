package bus_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// What an entry says counts on the stream of its type's owner alone.
func TestEntryDecode(t *testing.T) {
	data := map[string]string{
		event.Posts:    `{"id":"p","title":"t"}`,
		event.Comments: `{"postId":"p","id":"c","content":"x","status":"approved"}`,
	}
	data[event.Moderator] = data[event.Comments]
	streams := []string{event.Posts, event.Comments, event.Moderator, event.EventBus, "somebody"}
	for _, typ := range event.Types() {
		owner := event.Owner(typ)
		for _, at := range streams {
			e := bus.Entry{Stream: event.Stream(at), Event: event.Event{Type: typ, Data: []byte(data[owner]), Source: owner}}
			payload, err := e.Decode()
			if ok := payload != nil && err == nil; ok != (at == owner) {
				t.Errorf("a %s on %s: got %v, %v", typ, e.Stream, payload, err)
			}
		}
	}
	unknown := bus.Entry{Stream: stream, Event: event.Event{Type: "PostLiked", Data: []byte(`{}`)}}
	if _, err := unknown.Decode(); !errors.Is(err, event.ErrUnknownType) {
		t.Errorf("an unknown type: %v", err)
	}
	broken := bus.Entry{Stream: stream, Event: event.Event{Type: event.TypeCommentCreated, Data: []byte(`{}`)}}
	if _, err := broken.Decode(); !errors.Is(err, event.ErrMalformed) {
		t.Errorf("what has strayed and is malformed besides: %v", err)
	}
}

// Redis takes ids far beyond the years that JSON can hold.
func TestTheTimeOfAnIDCanBeWritten(t *testing.T) {
	for _, ms := range []uint64{0, 1_700_000_000_000, 253402300799999, 253402300800000, math.MaxUint64} {
		at := bus.ID{Ms: ms}.Time()
		if _, err := json.Marshal(at); err != nil {
			t.Errorf("%d: %v", ms, err)
		}
		if want := time.UnixMilli(int64(min(ms, 253402300799999))); !at.Equal(want) {
			t.Errorf("%d: got %s, want %s", ms, at, want)
		}
	}
}
