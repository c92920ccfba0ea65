package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
	"newsfeed/services/moderator"
)

// command runs a command to its end.
func command(t *testing.T, environ map[string]string, args ...string) (out string, err error) {
	t.Helper()
	var buf bytes.Buffer
	cmd := newRoot(environ)
	cmd.SetOut(&buf)
	cmd.SetErr(&buf)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return buf.String(), err
}

func rulesFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokenNew(t *testing.T) {
	t.Parallel()
	out, err := command(t, nil, "token", "new", "ann")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`\n  ([A-Z2-7]{52})\n(?s:.*)\n  (ann:[0-9a-f]{64})\n`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no token and line in %q", out)
	}
	if want := moderator.PersonLine("ann", found[1]); found[2] != want {
		t.Errorf("the line is %s, want %s", found[2], want)
	}
	if _, err := moderator.ParsePeople([]byte(found[2])); err != nil {
		t.Errorf("the line is refused: %v", err)
	}
	if again, _ := command(t, nil, "token", "new", "ann"); strings.Contains(again, found[1]) {
		t.Error("the same token twice")
	}
	for _, args := range [][]string{{"token", "new"}, {"token", "new", "a", "b"}, {"token", "new", "a b"}, {"token", "new", "rules"}, {"token", "old"}} {
		if _, err := command(t, nil, args...); err == nil || web.ExitCode(err) != 2 {
			t.Errorf("%v: %v, want exit code 2", args, err)
		}
	}
}

func TestRulesCheck(t *testing.T) {
	t.Parallel()
	out, err := command(t, nil, "rules", "check", rulesFile(t, "rules: [{name: spam, then: reject, words: [spam]}]"))
	if err != nil || !strings.Contains(out, "is right: 1 rules") || !strings.Contains(out, "reject   spam") {
		t.Errorf("%v: %s", err, out)
	}
	for args, want := range map[string]string{
		"check " + rulesFile(t, "rules:\n  - a\n"): "line 2: a rule must have keys and values",
		"check nothing":             "no such file",
		"check":                     "needs one FILE",
		"dry-run x --last 0":        "--last = 0",
		"apply x":                   `--since = ""`,
		"apply x --since yesterday": `--since = "yesterday"`,
		"apply x --since -1h":       `--since = "-1h"`,
		"apply nothing --since all": "no such file",
		"dry-run " + rulesFile(t, "rules: []") + " --redis-url nonsense": "--redis-url",
	} {
		_, err := command(t, nil, append([]string{"rules"}, strings.Fields(args)...)...)
		if err == nil || !strings.Contains(err.Error(), want) || web.ExitCode(err) != 2 {
			t.Errorf("rules %s: %v, want %s and exit code 2", args, err, want)
		}
	}
}

// check lists every mistake, one a line, and warns about entries that do not mean
// what they seem to.
func TestRulesCheck_ListsMistakesAndWarnings(t *testing.T) {
	t.Parallel()
	path := rulesFile(t, "rules:\n  - name: a\n    then: hold\n    words:\n      - '!'\n      - fine\n      - '...'\n  - {name: b, then: hold, patterns: ['(']}\n")
	out, err := command(t, nil, "rules", "check", path)
	if err == nil || web.ExitCode(err) != 2 || err.Error() != "rules file "+path+": 3 mistakes" {
		t.Errorf("error %v, want 3 mistakes and exit code 2", err)
	}
	want := path + ":5: \"!\": words: entry 1: has no letter or digit\n" +
		path + ":7: \"...\": words: entry 3: has no letter or digit\n" +
		path + ":8: \"(\": patterns: entry 1: missing closing ) at \"(\"\n"
	if out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	path = rulesFile(t, "rules:\n  - name: a\n    then: hold\n    words: [fine, c++,\n      13.]\n")
	out, err = command(t, nil, "rules", "check", path)
	for _, want := range []string{path + ":4: warning: \"c++\": it shrinks to \"c\"", path + ":5: warning: \"13.\": it becomes the number 13", "is right: 1 rules"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", err, want, out)
		}
	}
}

func TestRulesDryRunAndApply(t *testing.T) {
	t.Parallel()
	server := bustest.Start(t, "--appendonly", "no")
	environ := map[string]string{"REDIS_URL": server.URL(), "LISTEN_ADDR": "127.0.0.1:0", "INSTANCE": "one"}
	cfg, err := web.Load[moderator.Config](environ)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := moderator.Run(ctx, cfg, slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	b := bus.New(t.Context(), server.Client(), bus.Options{Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	for id, text := range map[string]string{"one": "a cup of\ntea", "two": "racism", "three": "coffee \x1b[31m"} {
		e, err := event.New(event.Comments, event.TypeCommentCreated, event.Comment{
			PostID: "p", ID: id, Content: &text, Status: new(event.Pending), Version: new(int64(1)),
		}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(t.Context(), event.Stream(event.Comments), e); err != nil {
			t.Fatal(err)
		}
	}
	const verdicts = "{moderator}:events"
	count := func() int64 { return server.Client().XLen(t.Context(), verdicts).Val() }
	bustest.Eventually(t, tailPatience, "all are judged", func() bool { return count() == 3 })

	path := rulesFile(t, "rules: [{name: tea, then: hold, words: [tea]}, {name: red, then: reject, words: [coffee]}]")
	dry, err := command(t, environ, "rules", "dry-run", path, "--last", "10")
	if err != nil || count() != 3 {
		t.Errorf("%v: %d verdicts: %s", err, count(), dry)
	}
	for _, want := range []string{
		"one  approved → flagged  by the rule \"tea\"  a cup of tea\n", "two  rejected → approved  by no rule  racism\n",
		"three  approved → rejected  by the rule \"red\"  coffee  [31m\n",
		"3 comments looked at, 3 would be judged otherwise, 0 decided by people and left as they are\n",
	} {
		if !strings.Contains(dry, want) {
			t.Errorf("no %q in %q", want, dry)
		}
	}
	if out, err := command(t, environ, "rules", "apply", path, "--since", "1h", "--dry-run"); err != nil || count() != 3 || out != dry {
		t.Errorf("apply --dry-run: %v, %q", err, out)
	}
	out, err := command(t, environ, "rules", "apply", path, "--since", "all")
	if err != nil || count() != 6 || !strings.Contains(out, "3 comments looked at, 3 judged otherwise, 0 decided") {
		t.Errorf("%v: %d verdicts: %s", err, count(), out)
	}
	out, err = command(t, environ, "rules", "apply", path, "--since", "2100-01-01T00:00:00Z")
	if err != nil || count() != 6 || !strings.HasPrefix(out, "0 comments looked at, 0 judged otherwise") {
		t.Errorf("%v: %d verdicts: %s", err, count(), out)
	}
}
