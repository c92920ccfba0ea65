package web_test

import (
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"newsfeed/internal/web"
)

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := web.WriteJSON(w, http.StatusCreated, map[string]string{"a": "<&>"}); err != nil {
		t.Fatal(err)
	}
	if got := w.Body.String(); w.Code != 201 || got != "{\"a\":\"<&>\"}\n" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %q %v", w.Code, got, w.Header())
	}
}

func TestWriteNothingThatDoesNotMarshal(t *testing.T) {
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/json", func(w http.ResponseWriter, _ *http.Request) error {
		return web.WriteJSON(w, http.StatusOK, math.NaN())
	})
	rt.Handle(http.MethodGet, "/cached", func(w http.ResponseWriter, r *http.Request) error {
		return web.WriteCached(w, r, math.NaN())
	})
	for _, path := range []string{"/json", "/cached"} {
		if resp := do(t, rt, http.MethodGet, path); resp.StatusCode != 500 || problem(t, resp).Status != 500 {
			t.Errorf("%s: status %d, want a 500 problem", path, resp.StatusCode)
		}
	}
}

func TestWriteCached(t *testing.T) {
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/{v}", func(w http.ResponseWriter, r *http.Request) error {
		v, err := web.ID(r, "v")
		if err != nil {
			return err
		}
		if v == "versioned" {
			return web.WriteVersion(w, r, 3, v)
		}
		return web.WriteCached(w, r, v)
	})
	tag := do(t, rt, http.MethodGet, "/a").Header.Get("ETag")
	if other := do(t, rt, http.MethodGet, "/b").Header.Get("ETag"); len(tag) != 24 || other == tag {
		t.Fatalf("tags %s and %s", tag, other)
	}
	for _, tt := range []struct {
		path, match string
		status      int
	}{
		{"/a", "", 200}, {"/a", tag, 304}, {"/a", "W/" + tag, 304}, {"/a", `"x", ` + tag, 304}, {"/a", "*", 304},
		{"/a", `"x"`, 200}, {"/a", tag[1:], 200}, {"/b", tag, 200}, {"/versioned", `"3"`, 304}, {"/versioned", `"2"`, 200},
	} {
		resp := do(t, rt, http.MethodGet, tt.path, "If-None-Match", tt.match)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != tt.status || (len(body) == 0) != (tt.status == 304) {
			t.Errorf("%s If-None-Match %s: %d %q, want %d", tt.path, tt.match, resp.StatusCode, body, tt.status)
		}
		if resp.Header.Get("ETag") == "" || resp.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: headers %v", tt.path, resp.Header)
		}
	}
}

func TestIfMatch(t *testing.T) {
	for _, tt := range []struct {
		name    string
		header  []string
		invalid bool
		holds   bool // for the versions 3 to 5
	}{
		{"absent", nil, false, true},
		{"any", []string{" * "}, false, true},
		{"below", []string{`"2"`}, false, false},
		{"lowest", []string{`"3"`}, false, true},
		{"highest", []string{`"5"`}, false, true},
		{"above", []string{`"6"`}, false, false},
		{"list", []string{`"1" , "x,y",,"4"`}, false, true},
		{"two headers", []string{`"1"`, web.VersionTag(4)}, false, true},
		{"weak", []string{`W/"4"`}, false, false},
		{"another's tag", []string{`"abc"`, `""`}, false, false},
		{"another form", []string{`"04"`, `"+4"`, `"4.0"`}, false, false},
		{"too large", []string{`"99999999999999999999"`}, false, false},
		{"not quoted", []string{`4`}, true, false},
		{"not closed", []string{`"4`}, true, false},
		{"space within", []string{`"4 4"`}, true, false},
		{"no comma", []string{`"4" "5"`}, true, false},
		{"no comma, no space", []string{`"4""5"`}, true, false},
		{"star in a list", []string{`"4", *`}, true, false},
		{"small w", []string{`w/"4"`}, true, false},
		{"empty", []string{""}, true, false},
		{"commas", []string{" , "}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPatch, "/", nil)
			r.Header["If-Match"] = tt.header
			cond, err := web.IfMatch(r)
			if (err != nil) != tt.invalid {
				t.Fatalf("error = %v", err)
			}
			if err == nil && cond.Holds(3, 5) != tt.holds {
				t.Errorf("holds = %v, want %v", !tt.holds, tt.holds)
			}
		})
	}
}
