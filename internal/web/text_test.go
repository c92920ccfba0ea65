package web_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

func TestCheck(t *testing.T) {
	line, text := (*web.Check).Line, (*web.Check).Text
	for _, tt := range []struct {
		name   string
		check  func(c *web.Check, pointer, s string, least, most int) string
		in     string
		want   string
		detail string
	}{
		{"trims Unicode white space", line, "\u00a0\u2003 x\u3000\n", "x", ""},
		{"counts characters", line, "äöüß€", "äöüß€", ""},
		{"too long", line, "äöüß€x", "äöüß€x", "must have 1 to 5 characters, not 6"},
		{"length after trimming", line, "     abcde     ", "abcde", ""},
		{"empty", text, " \n ", "", "must not be empty"},
		{"newline in a line", line, "a\nb", "a\nb", "must not have the control character U+000A"},
		{"tab in a line", line, "a\tb", "a\tb", "must not have the control character U+0009"},
		{"line separator in a line", line, "a\u2028b", "a\u2028b", "must not have the control character U+2028"},
		{"newline and tab in a text", text, "a\n\tb", "a\n\tb", ""},
		{"line separator in a text", text, "a\u2029b", "a\u2029b", ""},
		{"NUL", text, "a\x00b", "a\x00b", "must not have the control character U+0000"},
		{"carriage return", text, "a\rb", "a\nb", ""},
		{"CRLF counts once", text, "a\r\nb\r\nc\r\n", "a\nb\nc", ""},
		{"carriage return in a line", line, "a\rb", "a\rb", "must not have the control character U+000D"},
		{"indented code", text, "    x  \n", "    x", ""},
		{"blank lines before code", text, " \r\n\t\n\tx", "\tx", ""},
		{"ideographic space", text, "\u3000x", "\u3000x", ""},
		{"delete", text, "a\x7fb", "a\x7fb", "must not have the control character U+007F"},
		{"C1", text, "a\u0085b", "a\u0085b", "must not have the control character U+0085"},
		{"wrong UTF-8", text, "a\xffb", "a\xffb", "must be valid UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var v web.Check
			if got := tt.check(&v, "/x", tt.in, 1, 5); got != tt.want {
				t.Errorf("text = %q, want %q", got, tt.want)
			}
			got := ""
			if err := v.Err(); err != nil {
				got = strings.TrimPrefix(err.Error(), "invalid request: /x ")
			}
			if got != tt.detail {
				t.Errorf("error = %q, want %q", got, tt.detail)
			}
		})
	}
}

func TestCheckCollects(t *testing.T) {
	var v web.Check
	v.Line("/title", "", 1, 5)
	v.Require(true, "/fine", "must be fine")
	v.Require(false, "/version", "must be at least 1")
	want := []string{"/title", "/version"}
	if diff := cmp.Diff(want, pointers(v.Err())); diff != "" {
		t.Errorf("pointers (-want +got):\n%s", diff)
	}
}
