package event_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"newsfeed/internal/event"
)

func TestNewStartsAChain(t *testing.T) {
	for _, typ := range event.Types() {
		t.Run(typ, func(t *testing.T) {
			local := noon.In(time.FixedZone("", 3600))
			got, err := event.New(event.Owner(typ), typ, fullPayload(typ), local)
			if err != nil {
				t.Fatal(err)
			}
			id, err := uuid.Parse(got.ID)
			if err != nil || id.Version() != 7 {
				t.Errorf("ID = %q, want a UUIDv7", got.ID)
			}
			want := event.Event{
				Type: typ, Data: got.Data, ID: got.ID, Source: event.Owner(typ),
				Subject: "9f2b", Time: noon, CorrelationID: got.ID,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if got.Time.Location() != time.UTC {
				t.Errorf("Time is in %s, want UTC", got.Time.Location())
			}
			payload, err := got.Decode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fullPayload(typ), payload); diff != "" {
				t.Errorf("payload read back (-want +got):\n%s", diff)
			}
			if strings.Contains(string(got.Data), `\u003c`) {
				t.Errorf("data is escaped for HTML: %s", got.Data)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	approved := fullPayload(event.TypeCommentUpdated)
	for name, tt := range map[string]struct {
		typ     string
		payload event.Payload
	}{
		"payload that is not valid":           {event.TypePostCreated, event.Post{ID: "p"}},
		"payload of another type":             {event.TypeCommentUpdated, fullPayload(event.TypeCommentModerated)},
		"whole post as a deletion":            {event.TypePostDeleted, fullPayload(event.TypePostCreated)},
		"comment that is born approved":       {event.TypeCommentCreated, approved},
		"comment that is edited and approved": {event.TypeCommentEdited, approved},
		"version that Lua would round":        {event.TypePostDeleted, event.PostDeleted{ID: "p", Version: new(int64(1 << 53))}},
	} {
		t.Run(name, func(t *testing.T) {
			if e, err := event.New("x", tt.typ, tt.payload, noon); err == nil {
				t.Errorf("New = %+v, want an error", e)
			}
		})
	}
	if _, err := event.New("x", "PostPinned", event.PostDeleted{ID: "p"}, noon); err != nil {
		t.Errorf("New of a type outside the vocabulary: %v", err)
	}
}

func TestCausedBy(t *testing.T) {
	effect := event.Event{ID: "e", CorrelationID: "e"}
	for name, tt := range map[string]struct{ cause, want event.Event }{
		"first of a chain":            {event.Event{ID: "a", CorrelationID: "a"}, event.Event{ID: "e", CausationID: "a", CorrelationID: "a"}},
		"later in a chain":            {event.Event{ID: "b", CorrelationID: "a", CausationID: "a"}, event.Event{ID: "e", CausationID: "b", CorrelationID: "a"}},
		"foreign without correlation": {event.Event{ID: "f"}, event.Event{ID: "e", CausationID: "f", CorrelationID: "f"}},
		"without any id":              {event.Event{}, event.Event{ID: "e", CorrelationID: "e"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, effect.CausedBy(tt.cause)); diff != "" {
				t.Errorf("effect (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		event event.Event
		want  error
	}{
		"type and data":           {event.Event{Type: "PostPinned", Data: json.RawMessage(" {}\n")}, nil},
		"no type":                 {event.Event{Data: json.RawMessage(`{}`)}, event.ErrMalformed},
		"no data":                 {event.Event{Type: "PostPinned"}, event.ErrMalformed},
		"a list":                  {event.Event{Type: "PostPinned", Data: json.RawMessage(`[]`)}, event.ErrMalformed},
		"not UTF-8":               {event.Event{Type: "PostPinned", Data: json.RawMessage("{\"a\":\"\xff\"}")}, event.ErrMalformed},
		"a year of five digits":   {event.Event{Type: "PostPinned", Data: json.RawMessage(`{}`), Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, event.ErrMalformed},
		"the year 0 after all":    {event.Event{Type: "PostPinned", Data: json.RawMessage(`{}`), Time: time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", 60))}, event.ErrMalformed},
		"the last of four digits": {event.Event{Type: "PostPinned", Data: json.RawMessage(`{}`), Time: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.event.Validate(); !errors.Is(err, tt.want) {
				t.Errorf("Validate: %v, want %v", err, tt.want)
			}
		})
	}
}

func TestOwners(t *testing.T) {
	got := map[string][]string{}
	for _, typ := range append(event.Types(), "PostPinned") {
		stream := event.Stream(event.Owner(typ))
		got[stream] = append(got[stream], typ)
	}
	want := map[string][]string{
		"{posts}:events":     {"PostCreated", "PostUpdated", "PostDeleted"},
		"{comments}:events":  {"CommentCreated", "CommentEdited", "CommentUpdated", "CommentDeleted"},
		"{moderator}:events": {"CommentModerated", "PostTakenDown", "BlockAdded", "BlockRemoved"},
		"{eventbus}:events":  {"PostPinned"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types by stream (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	final := []event.Status{event.Approved, event.Rejected}
	for _, s := range []event.Status{event.Pending, event.Approved, event.Rejected, event.Flagged} {
		if !s.Known() {
			t.Errorf("%s.Known() = false", s)
		}
		if got, want := s.Final(), slices.Contains(final, s); got != want {
			t.Errorf("%s.Final() = %t, want %t", s, got, want)
		}
	}
	for _, s := range []event.Status{"", "Approved", "spam"} {
		if s.Known() || s.Final() {
			t.Errorf("%q is taken for a status", s)
		}
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"9f2b": true, "A.b_c~d:e-9": true, strings.Repeat("x", 128): true, "All": true, "streams": true,
		"": false, strings.Repeat("x", 129): false, "all": false, "stream": false,
		"a b": false, "a/b": false, "a\n": false, "é": false, "a\x00": false, "{a}": false,
	} {
		if got := event.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %t, want %t", id, got, want)
		}
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct{ typ, data, want string }{
		"missing":       {event.TypePostCreated, `{"id":"p"}`, "title is missing"},
		"wrong type":    {event.TypePostCreated, `{"id":"p","title":7}`, "title is not a string"},
		"bad id":        {event.TypePostDeleted, `{"id":"a b"}`, `id "a b" is not an id`},
		"bad number":    {event.TypePostDeleted, `{"id":"p","version":1.5}`, "version is not a whole number"},
		"bad status":    {event.TypeCommentModerated, `{"id":"c","postId":"p","content":"","status":"spam"}`, `status "spam"`},
		"bad time":      {event.TypePostCreated, `{"id":"p","title":"","createdAt":"yesterday"}`, "createdAt"},
		"far time":      {event.TypePostCreated, `{"id":"p","title":"","createdAt":"9999-12-31T23:00:00-02:00"}`, "createdAt is outside the years"},
		"not JSON":      {event.TypePostCreated, `{`, "not a JSON object"},
		"not an object": {event.TypePostCreated, `["id"]`, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := event.Event{Type: tt.typ, Data: json.RawMessage(tt.data)}.Decode()
			if !errors.Is(err, event.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode: %v, want ErrMalformed with %q", err, tt.want)
			}
		})
	}
	if _, err := (event.Event{Type: "PostPinned"}).Decode(); !errors.Is(err, event.ErrUnknownType) || errors.Is(err, event.ErrMalformed) {
		t.Errorf("Decode of an unknown type: %v, want ErrUnknownType alone", err)
	}
}

// The fold must come to the same bytes whatever zone a writer used.
func TestDecodeGivesUTC(t *testing.T) {
	e := event.Event{Type: event.TypePostCreated, Data: json.RawMessage(`{"id":"p","title":"","createdAt":"2024-05-06T14:00:00\u002b02:00"}`)}
	payload, err := e.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := payload.(event.Post).CreatedAt.String(), "2024-05-06 12:00:00 +0000 UTC"; got != want {
		t.Errorf("CreatedAt = %s, want %s", got, want)
	}
}

// A comment that names its status twice, in two spellings, must not be approved
// for one reader and pending for another.
func TestDecodeTakesExactNamesOnly(t *testing.T) {
	e := event.Event{Type: event.TypeCommentModerated, Data: json.RawMessage(
		`{"postId":"p","id":"c","content":"","status":"rejected","STATUS":"approved"}`)}
	payload, err := e.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if got := *payload.(event.CommentModerated).Status; got != event.Rejected {
		t.Errorf("status = %s, want %s", got, event.Rejected)
	}
}

func TestNobodySaysACommentPastTheModerator(t *testing.T) {
	for _, typ := range []string{event.TypeCommentCreated, event.TypeCommentEdited} {
		for _, status := range []string{`"approved"`, `"nonsense"`, `null`} {
			e := event.Event{Type: typ, Data: json.RawMessage(`{"postId":"p","id":"c","content":"","status":` + status + `}`)}
			payload, err := e.Decode()
			if err != nil {
				t.Fatal(err)
			}
			if got := *payload.(event.Comment).Status; got != event.Pending {
				t.Errorf("%s with status %s decodes as %s, want pending", typ, status, got)
			}
		}
	}
}
