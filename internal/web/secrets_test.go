package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

type secretsConfig struct {
	Admin web.Tokens `env:"ADMIN_TOKEN"`
	Edit  web.Keys   `env:"EDIT_KEY"`
}

func TestSecrets_SeveralValues_AllAreRead(t *testing.T) {
	const one, two = "0123456789abcdef", "fedcba9876543210"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(one+"\r\n\r\n "+two+" , development\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		environ map[string]string
		want    web.Tokens
	}{
		{map[string]string{"ADMIN_TOKEN": one}, web.Tokens{one}},
		{map[string]string{"ADMIN_TOKEN": one + ", " + two + ","}, web.Tokens{one, two}},
		{map[string]string{"ADMIN_TOKEN": "development"}, web.Tokens{"development"}},
		{map[string]string{"ADMIN_TOKEN": two + ",development"}, web.Tokens{two, "development"}},
		{map[string]string{"ADMIN_TOKEN_FILE": file}, web.Tokens{one, two, "development"}},
		{map[string]string{"ADMIN_TOKEN": ""}, nil},
	} {
		got, err := web.Load[secretsConfig](tt.environ)
		if err != nil {
			t.Errorf("%v: %v", tt.environ, err)
		}
		if diff := cmp.Diff(tt.want, got.Admin); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.environ, diff)
		}
	}
}

func TestSecrets_TooShort_NamesVariableAndNotTheValue(t *testing.T) {
	long := strings.Repeat("k", web.MinKey)
	for _, tt := range []struct{ variable, value, want string }{
		{"ADMIN_TOKEN", "short-one", "ADMIN_TOKEN = *** must have 16 bytes or more in each value"},
		{"ADMIN_TOKEN", "0123456789abcde", "ADMIN_TOKEN = *** must have 16 bytes or more in each value"},
		{"ADMIN_TOKEN", "0123456789abcdef,tiny", "ADMIN_TOKEN = *** must have 16 bytes or more in each value"},
		{"ADMIN_TOKEN", "Development", "ADMIN_TOKEN = *** must have 16 bytes or more in each value"},
		{"ADMIN_TOKEN", " , ,", "ADMIN_TOKEN = *** has no value between its commas"},
		{"EDIT_KEY", "development", "EDIT_KEY = *** must have 32 bytes or more in each value"},
		{"EDIT_KEY", long + "," + long[1:], "EDIT_KEY = *** must have 32 bytes or more in each value"},
	} {
		_, err := web.Load[secretsConfig](map[string]string{tt.variable: tt.value})
		if err == nil || err.Error() != tt.want || web.ExitCode(err) != 2 {
			t.Errorf("%s: error %v, want %s", tt.variable, err, tt.want)
		}
	}
}

func TestSecrets_Printed_AreHidden(t *testing.T) {
	cfg := secretsConfig{Admin: web.Tokens{"first-of-16-byte", "other-of-16-byte"}, Edit: web.Keys{"a key"}}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, cfg.Admin), fmt.Sprint(web.Describe(cfg)),
	} {
		if strings.Contains(text, "of-16") || strings.Contains(text, "a key") {
			t.Errorf("shows a secret: %s", text)
		}
	}
	if got := cfg.Edit.Signing(); string(got) != "a key" {
		t.Errorf("the signing key is %q", string(got))
	}
}
