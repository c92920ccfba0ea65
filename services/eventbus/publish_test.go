package eventbus

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

func membersOf(t testing.TB, body string) incoming {
	t.Helper()
	var in incoming
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestIncoming(t *testing.T) {
	t.Parallel()
	const own = "<its own>" // stands for an id that was made
	long := strings.Repeat("é", maxMember+1)
	tests := []struct {
		name, body string
		want       event.Event
	}{
		{
			"the least", `{"type":"Odd","data":{}}`,
			event.Event{Type: "Odd", Data: []byte(`{}`), ID: own, Source: external, Time: now, CorrelationID: own},
		}, {
			"of the course", `{"type":"PostCreated","data":{ "id" : "p1", "title": "é\u00e9" }}`,
			event.Event{Type: "PostCreated", Data: []byte(`{"id":"p1","title":"é\u00e9"}`), ID: own, Source: external, Subject: "p1", Time: now, CorrelationID: own},
		}, {
			"all of it",
			`{"type":"Odd","data":{"a":1.0},"id":"i","source":"shop","subject":"s","time":"2024-05-06T14:00:00.5+02:00","correlationid":"c","causationid":"d","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}`,
			event.Event{
				Type: "Odd", Data: []byte(`{"a":1.0}`), ID: "i", Source: "shop", Subject: "s",
				Time: time.Date(2024, 5, 6, 12, 0, 0, 5e8, time.UTC), CorrelationID: "c", CausationID: "d", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			},
		}, {
			"null is absent", `{"type":"Odd","data":{},"id":null,"source":null,"subject":null,"time":null,"correlationid":null,"causationid":null}`,
			event.Event{Type: "Odd", Data: []byte(`{}`), ID: own, Source: external, Time: now, CorrelationID: own},
		}, {
			"what is of no use", `{"type":"Odd","data":{},"source":1,"subject":[],"time":"yesterday","correlationid":{},"causationid":"\u0000","traceparent":"` + long + `","other":true,"TYPE":"x"}`,
			event.Event{Type: "Odd", Data: []byte(`{}`), ID: own, Source: external, Time: now, CorrelationID: own},
		}, {
			"a time that cannot be written", `{"type":"Odd","data":{},"time":"9999-12-31T23:59:59-01:00"}`,
			event.Event{Type: "Odd", Data: []byte(`{}`), ID: own, Source: external, Time: now, CorrelationID: own},
		}, {
			"data that breaks the type's schema", `{"type":"CommentCreated","data":{"content":5,"__proto__":{}}}`,
			event.Event{Type: "CommentCreated", Data: []byte(`{"content":5,"__proto__":{}}`), ID: own, Source: external, Time: now, CorrelationID: own},
		}, {
			"a cause without its chain", `{"type":"Odd","data":{},"causationid":"d"}`,
			event.Event{Type: "Odd", Data: []byte(`{}`), ID: own, Source: external, Time: now, CorrelationID: "d", CausationID: "d"},
		}, {
			"the data says the subject", `{"type":"CommentDeleted","data":{"id":"c","postId":"p"},"subject":"q"}`,
			event.Event{Type: "CommentDeleted", Data: []byte(`{"id":"c","postId":"p"}`), ID: own, Source: external, Subject: "p", Time: now, CorrelationID: own},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := membersOf(t, tt.body).event(now)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.ID == own {
				if len(got.ID) != 36 || tt.want.CorrelationID == own && got.CorrelationID != got.ID {
					t.Errorf("id %q, correlation %q", got.ID, got.CorrelationID)
				}
				tt.want.ID = got.ID
				if tt.want.CorrelationID == own {
					tt.want.CorrelationID = got.ID
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIncomingRefused(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		`{}`:                                 {"/type", "/data"},
		`{"type":null,"data":null}`:          {"/type", "/data"},
		`{"type":1,"data":{}}`:               {"/type"},
		`{"type":"","data":{}}`:              {"/type"},
		`{"type":" ","data":{}}`:             {"/type"},
		`{"type":"a\nb","data":{}}`:          {"/type"},
		`{"TYPE":"x","data":{}}`:             {"/type"},
		`{"type":"x","data":[]}`:             {"/data"},
		`{"type":"x","data":"{}"}`:           {"/data"},
		`{"type":"x","data":1}`:              {"/data"},
		`{"type":"x","data":{},"id":1}`:      {"/id"},
		`{"type":"x","data":{},"id":""}`:     {"/id"},
		`{"type":"x","data":{},"id":"a b"}`:  {"/id"},
		`{"type":"x","data":{},"id":"a\nb"}`: {"/id"},
		`{"type":"x","data":{},"id":"é"}`:    {"/id"},
		`{"type":"x","data":{},"id":"` + strings.Repeat("x", maxID+1) + `"}`: {"/id"},
		`{"type":"` + strings.Repeat("é", maxType+1) + `","data":{}}`:        {"/type"},
	}
	for body, want := range tests {
		_, err := membersOf(t, body).event(now)
		invalid, ok := errors.AsType[*web.Invalid](err)
		if !ok {
			t.Errorf("%s: %v, want it refused", body, err)
			continue
		}
		var got []string
		for _, f := range invalid.Fields {
			got = append(got, f.Pointer)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: pointers (-want +got):\n%s", body, diff)
		}
	}
}

// TestNobodyPosesAsOwner: whatever an event from outside claims, and of whatever
// type it is, its source is not that of the type's owner.
func TestNobodyPosesAsOwner(t *testing.T) {
	t.Parallel()
	for _, typ := range append(event.Types(), "Odd") {
		for _, source := range []string{"", "posts", "comments", "moderator", "query", "eventbus", "external", "Posts", "posts "} {
			body, err := json.Marshal(map[string]any{"type": typ, "data": map[string]string{"id": "x"}, "source": source})
			if err != nil {
				t.Fatal(err)
			}
			e, err := membersOf(t, string(body)).event(now)
			if err != nil || !e.Foreign() {
				t.Errorf("%s claims to be from %q and has the source %q (%v)", typ, source, e.Source, err)
			}
			if strings.TrimSpace(strings.ToLower(source)) == source && source != "" && !strings.HasSuffix(e.Source, source) {
				t.Errorf("the source %q has become %q", source, e.Source)
			}
		}
	}
}

// FuzzPublish: whatever comes is refused as invalid or becomes an event that can
// stand on a stream, comes back from it as it was, and is nobody's own.
func FuzzPublish(f *testing.F) {
	f.Add(`{"type":"PostCreated","data":{"id":"p1","title":"t"}}`)
	f.Add(`{"type":"Odd","data":{"a":[1,{"b":null}]},"id":"i","source":"posts","time":"2024-05-06T12:00:00Z"}`)
	f.Add(`{"type":"CommentModerated","data":{"id":"c","postId":"p","status":"approved"},"causationid":"c","traceparent":"00-"}`)
	f.Add(`{"type":"\ud800","data":{"\ud800":"\u0000"},"subject":"\ud800","time":"0000-01-01T00:00:00+23:59"}`)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/events", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		in, err := web.DecodeMembers(httptest.NewRecorder(), r, maxBody)
		var e event.Event
		if err == nil {
			e, err = incoming(in).event(now)
		}
		if errors.Is(err, web.ErrInvalid) || errors.Is(err, web.ErrTooLarge) {
			return
		}
		if err != nil {
			t.Fatalf("refused with %v", err)
		}
		if !e.Foreign() {
			t.Errorf("%s passes for one of %s", e.Type, e.Source)
		}
		fields := map[string]string{}
		for list := e.Fields(); len(list) > 1; list = list[2:] {
			fields[list[0]] = list[1]
		}
		back, err := event.Parse("{x}:events", "1-0", fields)
		if err != nil {
			t.Fatalf("cannot be read back: %v", err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Errorf("read back (-written +read):\n%s", diff)
		}
		if _, err := encode(e); err != nil {
			t.Errorf("cannot be sent: %v", err)
		}
	})
}
