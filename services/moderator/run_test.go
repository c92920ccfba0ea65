package moderator

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	people := filepath.Join(dir, "moderators")
	if err := os.WriteFile(people, []byte(PersonLine("ann", "a")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "0123456789abcdef"
	for _, tt := range []struct {
		environ map[string]string
		want    string // "" for no error
	}{
		{map[string]string{}, ""},
		{map[string]string{"MODERATORS": PersonLine("ann", "a") + "," + PersonLine("bob", "b")}, ""},
		{map[string]string{"MODERATORS_FILE": people}, ""},
		{map[string]string{"JUDGE_URL": "https://judge.example/?key=s3cr3t", "JUDGE_SECRET": secret, "JUDGE_TIMEOUT": "5s"}, ""},
		{map[string]string{"HELD_WEBHOOK": "http://127.0.0.1:9", "HELD_WEBHOOK_SECRET": secret, "HELD_LIMIT": "1h"}, ""},
		{map[string]string{"MODERATORS": "ann:s3cr3t"}, "MODERATORS is not a list of name:hash: line 1: what follows ann: is not the 64 hexadecimal digits that newsfeed token new prints"},
		{map[string]string{"MODERATORS": "a", "MODERATORS_FILE": people}, "MODERATORS and MODERATORS_FILE are both set, only one can be"},
		{map[string]string{"MODERATORS_FILE": people + "x"}, "MODERATORS_FILE cannot be read: open " + people + "x: no such file or directory"},
		{map[string]string{"JUDGE_URL": "judge.example"}, `JUDGE_URL = "judge.example" is not an address such as https://judge.example/verdict`},
		{map[string]string{"JUDGE_URL": "https://judge.example"}, "JUDGE_SECRET must be set, to 16 bytes or more"},
		{map[string]string{"JUDGE_URL": "https://judge.example", "JUDGE_SECRET": "s3cr3t"}, "JUDGE_SECRET must be set, to 16 bytes or more"},
		{map[string]string{"HELD_WEBHOOK": "https://a.example"}, "HELD_WEBHOOK_SECRET must be set, to 16 bytes or more"},
		{map[string]string{"JUDGE_TIMEOUT": "6s"}, "JUDGE_TIMEOUT is not a duration up to 5s, such as 2s"},
		{map[string]string{"JUDGE_TIMEOUT": "0"}, "JUDGE_TIMEOUT is not a duration up to 5s, such as 2s"},
		{map[string]string{"HELD_LIMIT": "-1h"}, "HELD_LIMIT is not a duration such as 24h"},
	} {
		cfg, err := web.Load[Config](tt.environ)
		if got := fmt.Sprint(err); err == nil && tt.want != "" || err != nil && got != tt.want {
			t.Errorf("%v: error %v, want %s", tt.environ, got, tt.want)
		}
		if shown := web.Describe(cfg).String() + fmt.Sprintf("%v %+v", cfg, err); strings.Contains(shown, "s3cr3t") || strings.Contains(shown, secret) {
			t.Errorf("%v: a secret is shown: %s", tt.environ, shown)
		}
	}
}
