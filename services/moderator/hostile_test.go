package moderator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/event"
)

// perComment is how much processor time a verdict may take on a comment of the
// greatest length, by the worst rules that are let in, under the race detector on a
// slow machine. The handler has 30 s.
const perComment = 10 * time.Second

// processorTime is what this process has used so far. Unlike the time of day it does
// not depend on what else the machine does.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// hostileTexts are of the greatest length and the least comfort.
func hostileTexts() map[string]string {
	r := rand.New(rand.NewPCG(1, 2))
	mixed := func(alphabet string) string {
		letters := []rune(alphabet)
		text := make([]rune, maxContent)
		for i := range text {
			text[i] = letters[r.IntN(len(letters))]
		}
		return string(text)
	}
	return map[string]string{
		"one letter":       strings.Repeat("a", maxContent),
		"two letters":      mixed("ab"),
		"one word":         strings.Repeat("a ", maxContent/2),
		"links":            strings.Repeat("www.", maxContent/4),
		"schemes":          strings.Repeat("http://", maxContent/7),
		"marks on one":     "a" + strings.Repeat("\u0301", maxContent-1),
		"expands in NFKC":  strings.Repeat("\ufdfa", maxContent), // 18 characters each
		"invisible":        strings.Repeat("\u200b", maxContent-1) + "a",
		"four bytes each":  mixed("𝓪𝓫𝓬😀🔥"),
		"escapes":          "http://" + strings.Repeat("%25", (maxContent-7)/3),
		"not UTF-8":        strings.Repeat("\xff", maxContent),
		"ordinary English": strings.Repeat("all work and no play makes a dull comment, they say. ", maxContent/53),
	}
}

// hostileRules are files as bad as they are let in.
func hostileRules(t *testing.T) map[string]string {
	words := func(n int, format string) string {
		var b strings.Builder
		b.WriteString("rules:\n  - name: w\n    then: reject\n    words:\n")
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	patterns := func(list ...string) string {
		var b strings.Builder
		b.WriteString("rules:\n")
		for i, p := range list {
			fmt.Fprintf(&b, "  - {name: p%d, then: reject, patterns: ['%s']}\n", i, p)
		}
		return b.String()
	}
	full := words(maxWords, "      - word%dof many\n")
	full += strings.Repeat("# filled up to the limit\n", (maxRulesBytes-len(full))/25)
	phrases := words(maxWords, "      - a a a a a a a a a a a a a a a a a a a a a a a b%d\n")
	many := make([]string, maxPatterns)
	for i := range many {
		many[i] = fmt.Sprintf(`(a|b)*x%d`, i)
	}
	var costly []string // one more is refused
	for {
		more := append(costly, `(\pL?){900}\d`)
		if _, err := ParseRules([]byte(patterns(more...))); err != nil {
			break
		}
		costly = more
	}
	all := map[string]string{
		"no rules":                "rules: []",
		"1 MiB, 10,000 words":     full,
		"10,000 phrases of 24":    phrases,
		"1,000 patterns":          patterns(many...),
		"nested stars":            patterns(`(a*)*b`, `((a+)+)+b`, `(a|aa)+b`, `(.*)(.*)(.*)(.*)b\d`, `(a?){500}a{500}b`),
		"counted repeats":         patterns(`((a{1,30}){1,30}){1,1}c`, `[ab]{1000}c`, `(.{1,100}x){9}`),
		"as costly as is let in":  patterns(costly...),
		"hosts":                   "rules: [{name: h, then: hold, linksTo: [a.example]}, {name: i, then: hold, linksNotTo: [www.b.example]}]",
		"words of invisible text": "rules: [{name: w, then: hold, words: [\"a\u200b\u200bb\"]}]",
	}
	if len(full) < maxRulesBytes-100 || len(full) > maxRulesBytes {
		t.Errorf("the full file has %d bytes", len(full))
	}
	return all
}

func TestHostileRulesAndTexts(t *testing.T) {
	for name, file := range hostileRules(t) {
		start := time.Now()
		rules, err := ParseRules([]byte(file))
		parsing := time.Since(start)
		if err != nil {
			t.Errorf("%s: refused: %v", name, err)
			continue
		}
		worst, of := time.Duration(0), ""
		for kind, text := range hostileTexts() {
			if strings.Contains(file, "patterns:") && !slices.Contains([]string{"one letter", "two letters", "ordinary English"}, kind) {
				continue // the others cost patterns no more, and these take their time
			}
			start := processorTime(t)
			v := rules.Decide(Text{Content: text, Author: text[:min(len(text), 80)]})
			if took := processorTime(t) - start; took > worst {
				worst, of = took, kind
			}
			if v.Status != event.Approved && v.Status != event.Rejected && v.Status != event.Flagged {
				t.Errorf("%s on %s: %+v", name, kind, v)
			}
		}
		t.Logf("%-24s %7d bytes, read in %8s; worst comment %8s (%s)", name, len(file), parsing.Round(time.Millisecond), worst.Round(10*time.Microsecond), of)
		if worst > perComment {
			t.Errorf("%s: a comment (%s) took %s, more than %s", name, of, worst, perComment)
		}
	}
}

// A text for which the patterns have no time left is held, not let through.
func TestTimeForPatternsRunsOut(t *testing.T) {
	rules := parse(t, `rules: [{name: p, then: approve, patterns: ['x']}, {name: q, then: reject, words: [bad]}]`)
	rules.patience = -1
	v := rules.Decide(Text{Content: "fine"})
	if v.Status != event.Flagged || v.Reason == "" {
		t.Errorf("out of time: %+v, want held", v)
	}
	rules.patience = patience
	long := rules.Decide(Text{Content: strings.Repeat("\ufdfa", 1_200)})
	if long.Status != event.Flagged || long.Reason == v.Reason {
		t.Errorf("too long: %+v, want held", long)
	}
	if v := rules.Decide(Text{Content: strings.Repeat("\ufdfa", 1_100)}); v.Status != event.Approved {
		t.Errorf("not too long: %+v", v)
	}
	if v := rules.Decide(Text{Content: "fine"}); v.Status != event.Approved {
		t.Errorf("in time: %+v", v)
	}
}
