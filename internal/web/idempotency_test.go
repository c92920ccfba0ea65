package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

func keyed(lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/posts", nil)
	r.Header["Idempotency-Key"] = lines
	return r
}

func TestIdempotencyKey(t *testing.T) {
	sixteen := "0123456789abcdef"
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
		ok    bool
	}{
		{"none", nil, "", true},
		{"shortest", []string{sixteen}, sixteen, true},
		{"longest", []string{strings.Repeat("k", 128)}, strings.Repeat("k", 128), true},
		{"quoted", []string{`"8e03978e-40d5-43dd-bc93"`}, `"8e03978e-40d5-43dd-bc93"`, true},
		{"every sign", []string{"!#$%&'()*+,-./:;<=>?@[]^_`{|}~"}, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", true},
		{"empty", []string{""}, "", false},
		{"short", []string{sixteen[1:]}, "", false},
		{"long", []string{strings.Repeat("k", 129)}, "", false},
		{"twice", []string{sixteen, sixteen}, "", false},
		{"space", []string{"0123456789 abcdef"}, "", false},
		{"tab", []string{"0123456789\tabcdef"}, "", false},
		{"delete", []string{"0123456789\x7fabcdef"}, "", false},
		{"letter beyond ASCII", []string{"0123456789äabcdef"}, "", false},
		{"no UTF-8", []string{"0123456789\xffabcdef"}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := web.IdempotencyKey(keyed(tt.lines...))
			if got != tt.want || (err == nil) != tt.ok {
				t.Fatalf("key %q, error %v", got, err)
			}
			invalid, is := errors.AsType[*web.Invalid](err)
			if !tt.ok && (!is || len(invalid.Fields) != 1 || invalid.Fields[0].Header != "Idempotency-Key") {
				t.Errorf("the error does not name the header: %v", err)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	type body struct{ Title, Body string }
	seen := map[string]string{}
	for name, one := range map[string]struct {
		what string
		body body
	}{
		"one": {"POST /posts", body{"a", "b"}}, "other body": {"POST /posts", body{"ab", ""}}, "other target": {"POST /posts/1/comments", body{"a", "b"}},
		"line end moved": {"POST /posts\n", body{"a", "b"}}, "swapped": {"POST /posts", body{"b", "a"}},
	} {
		got, err := web.Fingerprint(one.what, one.body)
		again, _ := web.Fingerprint(one.what, one.body)
		if err != nil || got != again || seen[got] != "" {
			t.Errorf("%s: %q, %q, as %q; %v", name, got, again, seen[got], err)
		}
		seen[got] = name
	}
}

func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"", "0123456789abcdef", strings.Repeat("k", 129), "a b c d e f g h i j", "0123456789äabcdef", "{posts}:events{}}", "\x00\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		key, err := web.IdempotencyKey(keyed(line))
		good := len(line) >= 16 && len(line) <= 128
		for i := range len(line) {
			good = good && line[i] >= '!' && line[i] <= '~'
		}
		if good != (err == nil) || good && key != line || !good && (key != "" || !errors.Is(err, web.ErrInvalid)) {
			t.Fatalf("%q gives key %q, error %v", line, key, err)
		}
	})
}
