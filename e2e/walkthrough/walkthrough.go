// Package walkthrough executes the shell blocks of a Markdown file as they are
// written, and compares what they print with what the file says. For tests.
package walkthrough

import (
	"context"
	"crypto/rand"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Block is a shell block, with what the text says it prints: the block of the
// language "text" that follows it with nothing but blank lines between. Without
// one nobody says what it prints, and it has to end with 0.
type Block struct {
	Line     int // of the first command
	Commands string
	Want     string
	Said     bool // there is a Want
}

var fence = regexp.MustCompile("(?m)^```([a-z]*)\n((?s:.*?))^```$")

// Blocks returns those of one language, in order.
func Blocks(markdown, language string) []Block {
	var all []Block
	end := -1 // of the last block of the language
	for _, m := range fence.FindAllStringSubmatchIndex(markdown, -1) {
		lang, body := markdown[m[2]:m[3]], markdown[m[4]:m[5]]
		switch {
		case lang == language:
			all = append(all, Block{Line: strings.Count(markdown[:m[4]], "\n") + 1, Commands: body})
			end = m[1]
		case lang == "text" && end >= 0 && strings.TrimSpace(markdown[end:m[0]]) == "":
			all[len(all)-1].Want, all[len(all)-1].Said = body, true
			end = -1
		default:
			end = -1
		}
	}
	return all
}

// Varies is something that differs from run to run, and what it is called instead.
// Everything else of an expected block must be printed as it stands there.
type Varies struct {
	Pattern *regexp.Regexp
	Name    string
}

// Text compares texts but for what varies.
type Text []Varies

// Normal returns s without what differs from run to run.
func (t Text) Normal(s string) string {
	for _, v := range t {
		s = v.Pattern.ReplaceAllString(s, v.Name)
	}
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(s, "\r", "")) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// Agrees reports whether the block printed what the text says.
func (t Text) Agrees(b Block, got string) bool { return !b.Said || t.Normal(b.Want) == t.Normal(got) }

var word = regexp.MustCompile(`[A-Za-z]{3,}`)

// Unnoticed changes one word of an expected block after the other and returns the
// words that may be changed without being noticed.
func (t Text) Unnoticed(b Block, got string) []string {
	var unnoticed []string
	for _, at := range word.FindAllStringIndex(b.Want, -1) {
		changed := b
		changed.Want = b.Want[:at[0]] + "Wrong" + b.Want[at[1]:]
		if t.Agrees(changed, got) {
			unnoticed = append(unnoticed, b.Want[at[0]:at[1]])
		}
	}
	return unnoticed
}

type printed struct {
	out  string
	code int
}

// Run executes the blocks, in order and in one shell, in the folder dir. file is
// what it calls them.
func (t Text) Run(tb testing.TB, dir, file string, all []Block, env ...string) {
	tb.Helper()
	said, words := 0, 0
	for i, got := range execute(tb, dir, file, all, env) {
		b := all[i]
		if !t.Agrees(b, got.out) {
			tb.Errorf("%s:%d prints\n%s\nand the text says\n%s", file, b.Line, t.Normal(got.out), t.Normal(b.Want))
			continue
		}
		if !b.Said {
			if got.code != 0 {
				tb.Errorf("%s:%d ends with %d:\n%s", file, b.Line, got.code, got.out)
			}
			continue
		}
		said++
		words += len(word.FindAllString(b.Want, -1))
		if unnoticed := t.Unnoticed(b, got.out); len(unnoticed) > 0 {
			tb.Errorf("%s:%d: nobody would notice if these words were others: %q", file, b.Line, unnoticed)
		}
	}
	tb.Logf("%d blocks, %d of them say what they print; each of their %d words counts", len(all), said, words)
}

func execute(tb testing.TB, dir, file string, all []Block, env []string) []printed {
	tb.Helper()
	mark := "mark-" + rand.Text()
	var script strings.Builder
	for _, b := range all {
		fmt.Fprintf(&script, "%s\nprintf '\\n%s %%d\\n' $?\n", strings.TrimRight(b.Commands, "\n"), mark)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String()) //nolint:gosec // to execute what the text says is what this is for
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	var results []printed
	rest := string(out)
	for _, m := range regexp.MustCompile(`\n`+mark+` (\d+)\n`).FindAllStringSubmatchIndex(rest, -1) {
		code, _ := strconv.Atoi(rest[m[2]:m[3]])
		begin := 0
		if len(results) > 0 {
			begin = strings.LastIndex(rest[:m[0]], "\n"+mark)
			begin += 1 + strings.IndexByte(rest[begin+1:], '\n') + 1
		}
		results = append(results, printed{rest[begin:m[0]], code})
	}
	if len(results) != len(all) {
		tb.Errorf("%s: %d of %d blocks were executed (%v):\n%s", file, len(results), len(all), err, rest[max(0, len(rest)-2000):])
	}
	return results
}
