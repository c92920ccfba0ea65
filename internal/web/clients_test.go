package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

type oneText struct {
	Text string `json:"text"`
}

func (o *oneText) Validate() error {
	var v web.Check
	o.Text = v.Text("/text", o.Text, 1, 20)
	return v.Err()
}

func TestDecode_RealClients(t *testing.T) {
	const js = "application/json"
	for _, tt := range []struct {
		name, contentType, coding, body, want string
		err                                   error
	}{
		{"byte order mark", js, "", "\ufeff" + `{"text":"a"}`, "a", nil},
		{"two byte order marks", js, "", "\ufeff\ufeff" + `{"text":"a"}`, "", web.ErrInvalid},
		{"CRLF", js, "", `{"text":"a\r\nb\rc"}`, "a\nb\nc", nil},
		{"charset utf8", js + ";charset=utf8", "", `{"text":"a"}`, "a", nil},
		{"charset quoted", js + `; charset="UTF8"`, "", `{"text":"a"}`, "a", nil},
		{"charset in single quotes", js + "; charset='utf-8'", "", `{"text":"a"}`, "a", nil},
		{"charset utf_8", js + "; charset=utf_8", "", `{"text":"a"}`, "a", nil},
		{"charset utf-16", js + "; charset=utf-16", "", `{"text":"a"}`, "", web.ErrMediaType},
		{"gzip", js, "gzip", `{"text":"a"}`, "", web.ErrMediaType},
		{"identity", js, "Identity", `{"text":"a"}`, "a", nil},
		{"indented code", js, "", `{"text":"    a"}`, "    a", nil},
		{"a pair", js, "", `{"text":"\ud83d\ude00"}`, "😀", nil},
		{"high surrogate", js, "", `{"text":"\ud800"}`, "", web.ErrInvalid},
		{"low surrogate", js, "", `{"text":"a\uDC00"}`, "", web.ErrInvalid},
		{"the wrong way round", js, "", `{"text":"\ude00\ud83d"}`, "", web.ErrInvalid},
		{"two high ones", js, "", `{"text":"\ud83d\ud83d\ude00"}`, "", web.ErrInvalid},
		{"high, then a letter", js, "", `{"text":"\ud83dx"}`, "", web.ErrInvalid},
		{"an escaped backslash", js, "", `{"text":"\\ud800"}`, `\ud800`, nil},
		{"three backslashes", js, "", `{"text":"\\\ud800"}`, "", web.ErrInvalid},
		{"in a name", js, "", `{"\udfff":1}`, "", web.ErrInvalid},
		{"the replacement character itself", js, "", `{"text":"\ufffd"}`, "\ufffd", nil},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(tt.body))
		r.Header.Set("Content-Type", tt.contentType)
		if tt.coding != "" {
			r.Header.Set("Content-Encoding", tt.coding)
		}
		got, err := web.Decode[oneText](httptest.NewRecorder(), r)
		if !errors.Is(err, tt.err) || got.Text != tt.want {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got.Text, err, tt.want, tt.err)
		}
		if _, err := web.DecodeMembers(httptest.NewRecorder(), httptestBody(r, tt.body), 1000); !errors.Is(err, tt.err) {
			t.Errorf("%s, members of any kind: %v, want %v", tt.name, err, tt.err)
		}
	}
}

func httptestBody(r *http.Request, body string) *http.Request {
	again := httptest.NewRequestWithContext(r.Context(), r.Method, "/", strings.NewReader(body))
	again.Header = r.Header
	return again
}

func TestParameter_NotUTF8_IsRefused(t *testing.T) {
	for _, query := range []string{"type=%ff", "type=%ED%A0%80", "type=a%C0%80"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+query, nil)
		if _, _, err := web.Parameter(r, "type"); !errors.Is(err, web.ErrInvalid) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestCondition_TagsOfCompressingProxies_AreExplained(t *testing.T) {
	for tag, want := range map[string]bool{`W/"3"`: true, `"3-gzip"`: true, `"2", W/"3"`: true, `"3"`: false, `"-1"`: false, "*": false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/", nil)
		r.Header.Set("If-Match", tag)
		c, err := web.IfMatch(r)
		if err != nil || strings.Contains(c.Why(), "compressing proxy") != want {
			t.Errorf("%s: %q, %v", tag, c.Why(), err)
		}
	}
}
