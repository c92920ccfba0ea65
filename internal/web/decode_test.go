package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

type newPost struct {
	Title  string           `json:"title"`
	Body   *string          `json:"body"`
	Views  int              `json:"views"`
	Labels []label          `json:"labels"`
	Extra  map[string]any   `json:"extra"`
	Named  map[string]label `json:"named"`
	Inner  struct {
		Deep bool `json:"deep"`
	} `json:"inner"`
	Owner string `json:"-"`
}

type label struct {
	Name string `json:"name"`
}

func (in *newPost) Validate() error {
	var v web.Check
	in.Title = v.Line("/title", in.Title, 1, 10)
	if in.Body != nil {
		*in.Body = v.Text("/body", *in.Body, 0, 20)
	}
	return v.Err()
}

func decode(t *testing.T, contentType, body string) (newPost, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/posts", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return web.Decode[newPost](httptest.NewRecorder(), r)
}

func TestDecode(t *testing.T) {
	want := newPost{Title: "Hi", Body: new("a\n\tb"), Views: 3, Labels: []label{{"x"}}, Extra: map[string]any{"Any": nil}}
	want.Inner.Deep = true
	got, err := decode(t, "application/json; charset=UTF-8",
		` {"title":" Hi\n","body":"a\n\tb ","views":3,"labels":[{"name":"x"}],"extra":{"Any":null},"inner":{"deep":true}} `)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Decode (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	const js = "application/json"
	for _, tt := range []struct {
		name, contentType, body string
		want                    error
		fields                  []string // pointers of the bad fields
	}{
		{"no media type", "", `{"title":"x"}`, web.ErrMediaType, nil},
		{"form", "application/x-www-form-urlencoded", `title=x`, web.ErrMediaType, nil},
		{"text", "text/plain", `{"title":"x"}`, web.ErrMediaType, nil},
		{"charset", js + "; charset=latin1", `{"title":"x"}`, web.ErrMediaType, nil},
		{"malformed media type", js + ";;=", `{"title":"x"}`, web.ErrMediaType, nil},
		{"too large", js, `{"title":"` + strings.Repeat("x", web.MaxBody) + `"}`, web.ErrTooLarge, nil},
		{"too much white space", js, `{"title":"x"}` + strings.Repeat(" ", web.MaxBody), web.ErrTooLarge, nil},
		{"empty", js, "", web.ErrInvalid, nil},
		{"white space", js, " \n", web.ErrInvalid, nil},
		{"not JSON", js, `{"title":`, web.ErrInvalid, nil},
		{"trailing object", js, `{"title":"x"}{"title":"y"}`, web.ErrInvalid, nil},
		{"trailing text", js, `{"title":"x"} x`, web.ErrInvalid, nil},
		{"array", js, `[{"title":"x"}]`, web.ErrInvalid, nil},
		{"string", js, `"x"`, web.ErrInvalid, nil},
		{"null", js, `null`, web.ErrInvalid, nil},
		{"wrong UTF-8", js, "{\"title\":\"\xff\"}", web.ErrInvalid, nil},
		{"deep", js, strings.Repeat(`[`, 20_000), web.ErrInvalid, nil},
		{"deep and whole", js, `{"extra":` + strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000) + `}`, web.ErrInvalid, nil},
		{"unknown", js, `{"title":"x","admin":true}`, web.ErrInvalid, []string{"/admin"}},
		{"not from outside", js, `{"title":"x","Owner":"y"}`, web.ErrInvalid, []string{"/Owner"}},
		{"another case", js, `{"TITLE":"x"}`, web.ErrInvalid, []string{"/TITLE"}},
		{"twice", js, `{"title":"x","title":"y"}`, web.ErrInvalid, []string{"/title"}},
		{"twice by escape", js, `{"title":"x","\u0074itle":"y"}`, web.ErrInvalid, []string{"/title"}},
		{"twice in a map", js, `{"title":"x","extra":{"a":1,"a":2}}`, web.ErrInvalid, []string{"/extra/a"}},
		{"twice below anything", js, `{"title":"x","extra":{"a":[{"b":1,"b":2}]}}`, web.ErrInvalid, []string{"/extra/a/0/b"}},
		{"unknown below", js, `{"title":"x","inner":{"Deep":true},"labels":[{},{"n":1}]}`, web.ErrInvalid, []string{"/inner/Deep", "/labels/1/n"}},
		{"unknown in a map's value", js, `{"title":"x","named":{"a":{"name":"y","n":1}}}`, web.ErrInvalid, []string{"/named/a/n"}},
		{"pointer escapes", js, `{"title":"x","a/b~c":1}`, web.ErrInvalid, []string{"/a~1b~0c"}},
		{"wrong type", js, `{"title":7}`, web.ErrInvalid, []string{"/title"}},
		{"wrong type below", js, `{"title":"x","inner":{"deep":"yes"}}`, web.ErrInvalid, []string{"/inner/deep"}},
		{"fraction", js, `{"title":"x","views":1.5}`, web.ErrInvalid, []string{"/views"}},
		{"huge number", js, `{"title":"x","views":1e999}`, web.ErrInvalid, []string{"/views"}},
		{"not valid", js, `{"title":"  ","body":"a\u0000b"}`, web.ErrInvalid, []string{"/title", "/body"}},
		{"null text", js, `{"title":null}`, web.ErrInvalid, []string{"/title"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decode(t, tt.contentType, tt.body)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error = %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(tt.fields, pointers(err)); diff != "" {
				t.Errorf("bad fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeBoundsItsErrors(t *testing.T) {
	_, err := decode(t, "application/json", `{"title":"x"`+strings.Repeat(`,"u":1`, 500)+`}`)
	if got := len(pointers(err)); got != 20 {
		t.Errorf("%d bad fields, want 20", got)
	}
}

func TestDecodeLimit(t *testing.T) {
	body := `{"title":"x","extra":{"a":"` + strings.Repeat("x", web.MaxBody) + `"}}`
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if _, err := web.DecodeLimit[newPost](httptest.NewRecorder(), r, 256<<10); err != nil {
		t.Error(err)
	}
}

func pointers(err error) []string {
	invalid, ok := errors.AsType[*web.Invalid](err)
	if !ok {
		return nil
	}
	var got []string
	for _, f := range invalid.Fields {
		got = append(got, f.Pointer)
	}
	return got
}

// Whatever comes, Decode gives a valid value or one of its own errors.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"title":"x"}`, `{"TITLE":"x"}`, `{"title":"x","title":"y"}`, `[]`, `{`, ``, "\xff", `{"extra":{"a":[1,{}]}}`, `{"title":1e999}`,
		`{"title":"\ud800"}`, `{"labels":[{"name":null}]}`, `{"labels":{}}`, `{"inner":[{"x":1}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, err := decode(t, "application/json", body)
		if err != nil {
			if !errors.Is(err, web.ErrInvalid) && !errors.Is(err, web.ErrTooLarge) {
				t.Errorf("error = %v", err)
			}
			return
		}
		if n := utf8.RuneCountInString(got.Title); n < 1 || n > 10 || got.Title != strings.TrimSpace(got.Title) {
			t.Errorf("accepted title %q", got.Title)
		}
	})
}
