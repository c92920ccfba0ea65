package web_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

func TestDecodeMembers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, contentType, body string
		want                    map[string]json.RawMessage
		err                     error
	}{
		{"any members", "application/json", `{"a": 1.0, "A":{"b":[]},"__proto__":null}`,
			map[string]json.RawMessage{"a": []byte("1.0"), "A": []byte(`{"b":[]}`), "__proto__": []byte("null")}, nil},
		{"the last of two", "application/json;charset=UTF-8", `{"a":1,"a":2}`, map[string]json.RawMessage{"a": []byte("2")}, nil},
		{"no members", "application/json", " {} ", map[string]json.RawMessage{}, nil},
		{"empty", "application/json", " ", nil, web.ErrInvalid},
		{"no object", "application/json", "[]", nil, web.ErrInvalid},
		{"null", "application/json", "null", nil, web.ErrInvalid},
		{"two", "application/json", "{}{}", nil, web.ErrInvalid},
		{"not UTF-8", "application/json", "{\"a\":\"\xff\"}", nil, web.ErrInvalid},
		{"another type", "text/plain", "{}", nil, web.ErrMediaType},
		{"another charset", "application/json; charset=latin1", "{}", nil, web.ErrMediaType},
		{"as large as it may be", "application/json", `{"a":"` + strings.Repeat("x", 92) + `"}`,
			map[string]json.RawMessage{"a": []byte(`"` + strings.Repeat("x", 92) + `"`)}, nil},
		{"too large", "application/json", `{"a":"` + strings.Repeat("x", 93) + `"}`, nil, web.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			got, err := web.DecodeMembers(httptest.NewRecorder(), r, 100)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}
