package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The table keeps up with the source: every old text is there once, and so is
// every test. Whether the tests notice is for make mutants.
func TestTheTableFits(t *testing.T) {
	r := runner{root: "../.."}
	names := map[string]bool{}
	for _, m := range append(table(), inChaos()...) {
		if _, err := r.apply(m); err != nil {
			t.Error(err)
		}
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
		for _, test := range m.tests {
			if !declares(t, filepath.Join(r.root, test.pkg), test.name) {
				t.Errorf("%s: there is no %s in %s", m.name, test.name, test.pkg)
			}
		}
	}
}

func declares(t *testing.T, dir, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	top, _, _ := strings.Cut(test, "/")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^func ` + top + `\(`).Match(source) {
			return true
		}
	}
	return false
}

const (
	tinyGo = `package tiny

import _ "embed"

//go:embed greeting.txt
var greeting string

func add(a, b int) int { return a + b }
`
	tinyTest = `package tiny

import "testing"

func TestAdd(t *testing.T) {
	if got := add(2, 2); got != 4 {
		t.Errorf("got %d, want 4", got)
	}
	t.Run("zero", func(t *testing.T) {
		if got := add(0, 0); got != 0 {
			t.Errorf("got %d, want 0", got)
		}
	})
}

func TestGreeting(t *testing.T) {
	if greeting != "hello" {
		t.Errorf("got %q", greeting)
	}
}

func TestRed(t *testing.T) { t.Error("red as it is") }
`
)

// tiny is a runner on a small module.
func tiny(t *testing.T) runner {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module tiny\n\ngo 1.26\n", "tiny.go": tinyGo, "tiny_test.go": tinyTest, "greeting.txt": "hello",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return runner{root: root, dir: t.TempDir(), patience: 5 * time.Second}
}

func TestVerdicts(t *testing.T) {
	add, zero, greeting := test{".", "TestAdd"}, test{".", "TestAdd/zero"}, test{".", "TestGreeting"}
	mutants := []mutant{
		{"caught", "tiny.go", "a + b", "a - b", []test{add}},
		{"caught by a subtest", "tiny.go", "a + b", "max(a+b, 1)", []test{zero}},
		{"caught in an embedded file", "greeting.txt", "hello", "bye", []test{greeting}},
		{"survives", "tiny.go", "a + b", "b + a", []test{add}},
		{"survives one of two", "tiny.go", "a + b", "a - b", []test{add, zero}},
		{"does not build", "tiny.go", "a + b", "a + c", []test{add}},
		{"panics", "tiny.go", "return a + b", "panic(a + b)", []test{add}},
		{"hangs", "tiny.go", "return a + b", "select {}", []test{add}},
	}
	want := []string{
		"caught: TestAdd: got 0, want 4",
		"caught: TestAdd/zero: got 1, want 0",
		`caught: TestGreeting: got "bye"`,
		"SURVIVED: TestAdd passes all the same",
		"SURVIVED: TestAdd/zero passes all the same",
		"SURVIVED: does not build: exit status 1",
		"SURVIVED: TestAdd ends without a verdict: === RUN   TestAdd",
		"SURVIVED: TestAdd ends without a verdict: === RUN   TestAdd",
	}
	r := tiny(t)
	if err := r.baseline(t.Context(), mutants); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range r.tryAll(t.Context(), mutants, 2) {
		why, _, _ := strings.Cut(v.why, "\n")
		got = append(got, v.word()+": "+why)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheBaselineRefuses(t *testing.T) {
	add := test{".", "TestAdd"}
	for name, m := range map[string]mutant{
		"no such text":          {"", "tiny.go", "a * b", "", []test{add}},
		"the text twice":        {"", "tiny.go", "int", "", []test{add}},
		"no such file":          {"", "huge.go", "a + b", "", []test{add}},
		"nothing changed":       {"", "tiny.go", "a + b", "a + b", []test{add}},
		"no test named":         {"", "tiny.go", "a + b", "", nil},
		"a test that is red":    {"", "tiny.go", "a + b", "", []test{{".", "TestRed"}}},
		"a test that is not":    {"", "tiny.go", "a + b", "", []test{{".", "TestNone"}}},
		"a subtest that is not": {"", "tiny.go", "a + b", "", []test{{".", "TestAdd/none"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tiny(t).baseline(t.Context(), []mutant{m}); err == nil {
				t.Error("got no error")
			}
		})
	}
}
