package web_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

func TestParsePage(t *testing.T) {
	after := web.Cursor{At: time.Unix(1, 2).UTC(), ID: "a.b"}
	for _, tt := range []struct {
		query string
		want  web.Page
		bad   string // the parameter that is named
	}{
		{"", web.Page{Limit: 20}, ""},
		{"limit=1", web.Page{Limit: 1}, ""},
		{"limit=100&x=1&x=2", web.Page{Limit: 100}, ""},
		{"cursor=" + after.String(), web.Page{Limit: 20, After: after}, ""},
		{"limit=0", web.Page{}, "limit"},
		{"limit=-1", web.Page{}, "limit"},
		{"limit=101", web.Page{}, "limit"},
		{"limit=", web.Page{}, "limit"},
		{"limit=ten", web.Page{}, "limit"},
		{"limit=%2B5", web.Page{}, "limit"},
		{"limit=99999999999999999999", web.Page{}, "limit"},
		{"limit=5&limit=6", web.Page{}, "limit"},
		{"cursor=", web.Page{}, "cursor"},
		{"cursor=x", web.Page{}, "cursor"},
		{"cursor=x&cursor=y", web.Page{}, "cursor"},
		{"limit=%zz", web.Page{}, ""},
	} {
		t.Run(tt.query, func(t *testing.T) {
			got, err := web.ParsePage(httptest.NewRequest(http.MethodGet, "/?"+tt.query, nil))
			if tt.want.Limit == 0 {
				bad := ""
				if invalid, ok := errors.AsType[*web.Invalid](err); ok {
					bad = invalid.Fields[0].Parameter
				}
				if !errors.Is(err, web.ErrInvalid) || bad != tt.bad {
					t.Errorf("error = %v, want one about %q", err, tt.bad)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("error %v, page (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestNextLink(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/posts?limit=5&cursor=old&q=%3E%3B%22a", nil)
	next := web.Cursor{At: time.Unix(1, 0), ID: "x"}.String()
	web.NextLink(w, r, "cursor", next)
	ref, ok := strings.CutSuffix(strings.TrimPrefix(w.Header().Get("Link"), "<"), `>; rel="next"`)
	if !ok || strings.ContainsAny(ref, `<>"; `) {
		t.Fatalf("Link = %q", w.Header().Get("Link"))
	}
	// As a client sees it that came through a proxy.
	base, _ := url.Parse("http://localhost:3000/api/query/posts?limit=5")
	u, err := base.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"limit": {"5"}, "cursor": {next}, "q": {`>;"a`}}
	if diff := cmp.Diff(want, u.Query()); diff != "" || u.Path != "/api/query/posts" {
		t.Errorf("path %s, query (-want +got):\n%s", u.Path, diff)
	}
}

func TestCursorRoundTrip(t *testing.T) {
	for _, want := range []web.Cursor{
		{At: time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC), ID: "0195-a.b~c:d_E"},
		{At: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), ID: "1"},
		{At: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), ID: "..."},
		{At: time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC), ID: "x"},
		{At: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), ID: strings.Repeat("x", 128)},
	} {
		got, err := web.ParseCursor(want.String())
		if err != nil {
			t.Errorf("%v: %v", want, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cursor (-want +got):\n%s", diff)
		}
	}
}

func TestParseCursorRefuses(t *testing.T) {
	enc := base64.RawURLEncoding.EncodeToString
	good := web.Cursor{At: time.Unix(5, 6), ID: "x"}.String()
	for _, s := range []string{
		"", "x", "!", good + "=", good + "\n", good[:4] + "\r\n" + good[4:], good[:len(good)-1], strings.Repeat("A", 1<<16),
		enc([]byte("2.5.6.x")), enc([]byte("1.5.6.")), enc([]byte("1.5.6")), enc([]byte("1.5.6.a/b")), enc([]byte("1.+5.6.x")),
		enc([]byte("1.05.6.x")), enc([]byte("1.5.1000000000.x")), enc([]byte("1.5.-1.x")), enc([]byte("1.-0.6.x")),
		enc([]byte("1.253402300800.0.x")), enc([]byte("1.9223372036854775807.0.x")), enc([]byte("1.5.9223372036854775807.x")),
		enc([]byte("1.-9223372036854775808.0.x")), enc([]byte("1.5.6.all")),
	} {
		if c, err := web.ParseCursor(s); !errors.Is(err, web.ErrInvalid) {
			t.Errorf("ParseCursor(%.40q) = %v, %v", s, c, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add(web.Cursor{At: time.Unix(5, 6), ID: "x"}.String())
	f.Add(base64.RawURLEncoding.EncodeToString([]byte("1.253402300800.0.x")))
	f.Fuzz(func(t *testing.T, s string) {
		c, err := web.ParseCursor(s)
		if err == nil && c.String() != s {
			t.Errorf("%q reads as %v, which is %q", s, c, c)
		}
		if err == nil {
			if _, err := c.At.MarshalJSON(); err != nil {
				t.Error(err)
			}
		}
	})
}
