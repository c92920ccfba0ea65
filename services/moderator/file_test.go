package moderator

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"newsfeed/internal/event"
)

// rulesWith is a file of one rule that rejects the word.
func rulesWith(word string) string {
	return "rules: [{name: r, then: reject, words: [" + word + "]}]\n"
}

// write puts a file in the place of another in one step, as editors do.
func write(t *testing.T, path, content string) {
	t.Helper()
	next := path + ".new"
	if err := os.WriteFile(next, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

func rejects(f *RulesFile, word string) bool {
	return f.Current().Decide(Text{Content: word}).Status == event.Rejected
}

func TestOpenRulesRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad, large := filepath.Join(dir, "bad.yaml"), filepath.Join(dir, "large.yaml")
	write(t, bad, "rules:\n  - nme: a\n")
	write(t, large, strings.Repeat("#", 2*maxRulesBytes))
	for path, want := range map[string]string{
		bad:                       "rules file " + bad + `: line 2: unknown key "nme"`,
		large:                     "rules file " + large + ": larger than 1048576 bytes",
		dir:                       "rules file: " + dir + " is not a regular file",
		filepath.Join(dir, "not"): "rules file: stat " + filepath.Join(dir, "not") + ": no such file or directory",
	} {
		if _, err := OpenRules(path); err == nil || err.Error() != want {
			t.Errorf("OpenRules(%s) = %v, want %s", path, err, want)
		}
	}
	if data, err := readFile(large, maxRulesBytes); len(data) != maxRulesBytes+1 || err != nil {
		t.Errorf("readFile took %d bytes of a large file, error %v; want %d", len(data), err, maxRulesBytes+1)
	}
}

// TestReload goes through the life of a file; each step looks at it twice, and
// what there is to say must be said once.
func TestReload(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, rulesWith("one"))
	f, err := OpenRules(path)
	if err != nil {
		t.Fatal(err)
	}
	const loaded, mistake, unreadable = "new rules are in force", "has a mistake", "cannot read"
	for _, step := range []struct {
		name   string
		change func()
		word   string // which the rules in force reject
		log    string // part of the one line, "" for none
	}{
		{"unchanged", func() {}, "one", ""},
		{"touched", func() { write(t, path, rulesWith("one")) }, "one", ""},
		{"changed", func() { write(t, path, rulesWith("two")) }, "two", loaded},
		{"broken", func() { write(t, path, "rules:\n  - a\n") }, "two", mistake},
		{"broken otherwise", func() { write(t, path, "rules: {}\n") }, "two", mistake},
		{"repaired to what it was", func() { write(t, path, rulesWith("two")) }, "two", loaded},
		{"vanished", func() { _ = os.Remove(path) }, "two", unreadable},
		{"a directory", func() { _ = os.Mkdir(path, 0o700) }, "two", unreadable},
		{"vanished again", func() { _ = os.Remove(path) }, "two", unreadable},
		{"back as it was", func() { write(t, path, rulesWith("two")) }, "two", ""},
		{"vanished a third time", func() { _ = os.Remove(path) }, "two", unreadable},
		{"back with new rules", func() { write(t, path, rulesWith("three")) }, "three", loaded},
		{"cut off", func() { write(t, path, "") }, "three", mistake},
		{"emptied with intent", func() { write(t, path, "rules: []") }, "", loaded},
	} {
		step.change()
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		f.reload(log)
		f.reload(log)
		for _, word := range []string{"one", "two", "three"} {
			if got, want := rejects(f, word), word == step.word; got != want {
				t.Errorf("%s: rejects %q = %t, want %t", step.name, word, got, want)
			}
		}
		lines := strings.Count(out.String(), "\n")
		if step.log == "" && lines != 0 || step.log != "" && (lines != 1 || !strings.Contains(out.String(), step.log)) {
			t.Errorf("%s: log is %q, want one line with %q", step.name, out.String(), step.log)
		}
	}
}

func TestReloadLogSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, rulesWith("one"))
	f, err := OpenRules(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	write(t, path, "rules:\n  - nme: a\n")
	f.reload(log)
	write(t, path, "rules: []\n")
	f.reload(log)
	for _, want := range []string{`line 2: unknown key`, "the old rules stay in force", "file=" + path, "rules=0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, out.String())
		}
	}
}

// The log lists every mistake of a changed file, and warns about entries of one that
// is taken.
func TestReload_LogsAllMistakesAndWarnings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, rulesWith("one"))
	f, err := OpenRules(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	write(t, path, "rules:\n  - {name: a, then: hold, words: ['!', fine]}\n  - {name: b, then: hold, patterns: ['(']}\n  - {name: c}\n")
	f.reload(log)
	for _, want := range []string{`3 mistakes: line 2: words: entry 1: has no letter or digit`, `line 3: patterns: entry 1: missing closing )`, `line 4: rule \"c\" needs exactly one of`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, out.String())
		}
	}
	want := Mistakes{{Line: 2, Entry: "!", Reason: "words: entry 1: has no letter or digit"}}
	if got := f.State().Mistakes; len(got) != 3 || got[0] != want[0] {
		t.Errorf("state has %+v", got)
	}
	out.Reset()
	write(t, path, "rules:\n  - {name: a, then: hold, words: [fine, s&m]}\n")
	f.reload(log)
	if !strings.Contains(out.String(), `line 2: it shrinks to \"sm\"`) || len(f.State().Mistakes) != 0 {
		t.Errorf("state %+v, log: %s", f.State(), out.String())
	}
}

// What the log says once can be looked up for as long as it holds.
func TestStateSaysWhyTheFileIsNotInForce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, rulesWith("one"))
	f, err := OpenRules(path)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	loaded := f.State().Loaded
	for _, step := range []struct {
		file, err string // "-" removes the file
	}{
		{rulesWith("one"), ""}, {"rules:\n  - a\n", "line 2"}, {"-", "no such file"}, {"rules:\n  - a\n", "line 2"},
		{"-", "no such file"}, {rulesWith("one"), ""},
	} {
		if step.file == "-" {
			_ = os.Remove(path)
		} else {
			write(t, path, step.file)
		}
		f.reload(log)
		f.reload(log)
		got := f.State()
		if !strings.Contains(got.Error, step.err) || (got.Error == "") != (step.err == "") || got.Failed.IsZero() != (step.err == "") {
			t.Errorf("%q: state %+v, want error %q", step.file, got, step.err)
		}
	}
	if !f.State().Loaded.After(loaded) {
		t.Error("new rules were loaded and the time is the old one")
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, rulesWith("one"))
	f, err := OpenRules(path)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var watch sync.WaitGroup
		watch.Go(func() { f.Watch(ctx, time.Minute, slog.New(slog.DiscardHandler)) })
		for _, word := range []string{"two", "three"} {
			write(t, path, rulesWith(word))
			time.Sleep(time.Minute + time.Second) // of the bubble's clock
			synctest.Wait()
			if !rejects(f, word) {
				t.Errorf("the rules of %q are not in force after the interval", word)
			}
		}
		cancel()
		watch.Wait() // a Watch that stays is a deadlock, which fails the test
	})
}

func TestWatchOfBuiltInRulesEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f, err := OpenRules("")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Watch(ctx, time.Minute, slog.New(slog.DiscardHandler))
}

// TestCurrentWhileReloading is for the race detector.
func TestCurrentWhileReloading(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	write(t, path, rulesWith("one"))
	f, err := OpenRules(path)
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 200 {
				if !rejects(f, "one") {
					t.Error("rules without the word were in force")
				}
			}
		})
	}
	for _, word := range []string{"two", "three", "four"} {
		write(t, path, rulesWith(word+", one"))
		f.reload(slog.New(slog.DiscardHandler))
	}
	readers.Wait()
}
