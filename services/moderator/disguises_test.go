package moderator

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"newsfeed/internal/event"
)

var update = flag.Bool("update", false, "write testdata/disguises.json anew")

const disguisesFile = "testdata/disguises.json"

// disguise is a way to write a word so that the page shows it and the source does
// not have it. hidden ones are not shown as the word, and may be approved.
type disguise struct {
	kind   string
	of     func(word string) string
	hidden bool
}

// judgedDisguise is what the tests of the web app hold against the page: whatever
// shows the word there may not be approved.
type judgedDisguise struct {
	Kind   string       `json:"kind"`
	Word   string       `json:"word"`
	Source string       `json:"source"`
	Status event.Status `json:"status"`
}

// TestDisguises_AreNotApproved judges every kind with the default rules. With -update
// it writes the corpus that frontend/src/test/corpus.test.tsx renders.
func TestDisguises_AreNotApproved(t *testing.T) {
	rules, err := ParseRules([]byte(defaultRules))
	if err != nil {
		t.Fatal(err)
	}
	var judged []judgedDisguise
	kinds, approved := map[string]bool{}, 0
	for _, d := range disguises() {
		if kinds[d.kind] {
			t.Errorf("two kinds are named %q", d.kind)
		}
		kinds[d.kind] = true
		for _, word := range []string{"racism", "terrorism"} {
			source := d.of(word)
			v := rules.Decide(Text{Content: source})
			judged = append(judged, judgedDisguise{d.kind, word, source, v.Status})
			if v.Status == event.Approved {
				approved++
			}
			if v.Status == event.Approved && !d.hidden {
				t.Errorf("%s: %+q is approved", d.kind, source)
			}
		}
	}
	t.Logf("%d kinds, %d texts, %d approved", len(kinds), len(judged), approved)
	if len(kinds) < 200 {
		t.Errorf("there are only %d kinds", len(kinds))
	}
	want := new(bytes.Buffer)
	for i, one := range judged {
		line := new(bytes.Buffer)
		enc := json.NewEncoder(line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(one); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(want, "%s%s", map[bool]string{true: "[\n", false: ",\n"}[i == 0], bytes.TrimSpace(line.Bytes()))
	}
	want.WriteString("\n]\n")
	if *update {
		if err := os.WriteFile(disguisesFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(disguisesFile); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is out of date (%v): run this test with -update", disguisesFile, err)
	}
}

func disguises() []disguise {
	all := slices.Concat(referenceDisguises(), markupDisguises(), blockDisguises(), unseenDisguises(), bidiDisguises(), combinedDisguises(), hiddenDisguises())
	slices.SortFunc(all, func(a, b disguise) int { return strings.Compare(a.kind, b.kind) })
	return all
}

// halves splits a word in the middle, and thirds in three.
func halves(w string) (a, b string) { return w[:len(w)/2], w[len(w)/2:] }

func thirds(w string) (a, b, c string) { return w[:2], w[2:4], w[4:] }

// inside puts a word's parts into a format with two or three places.
func inside(format string) func(string) string {
	return func(w string) string {
		if strings.Count(format, "%s") == 2 {
			a, b := halves(w)
			return fmt.Sprintf(format, a, b)
		}
		a, b, c := thirds(w)
		return fmt.Sprintf(format, a, b, c)
	}
}

// coded writes letters of a word as character references: the i-th for which at says so.
func coded(format string, at func(i, n int) bool) func(string) string {
	return func(w string) string {
		var b strings.Builder
		for i, r := range w {
			if at(i, len(w)) {
				fmt.Fprintf(&b, format, r)
			} else {
				b.WriteRune(r)
			}
		}
		return b.String()
	}
}

var lettersAt = map[string]func(i, n int) bool{
	"first":  func(i, _ int) bool { return i == 0 },
	"middle": func(i, n int) bool { return i == n/2 },
	"last":   func(i, n int) bool { return i == n-1 },
	"every":  func(int, int) bool { return true },
}

func referenceDisguises() []disguise {
	var all []disguise
	for name, format := range map[string]string{
		"decimal": "&#%d;", "hex": "&#x%x;", "hex, capital": "&#X%X;", "decimal, zeros": "&#%07d;", "hex, zeros": "&#x%06x;", "decimal, a zero": "&#0%d;", "hex, a zero": "&#x0%x;",
	} {
		for place, at := range lettersAt {
			all = append(all, disguise{kind: "reference: " + name + ", " + place, of: coded(format, at)})
		}
	}
	for _, name := range []string{"shy", "ZeroWidthSpace", "zwj", "zwnj", "NoBreak", "InvisibleComma", "ic", "InvisibleTimes", "it", "ApplyFunction", "af", "lrm", "rlm", "NegativeThinSpace", "NegativeMediumSpace", "NegativeThickSpace", "NegativeVeryThinSpace"} {
		all = append(all, disguise{kind: "reference: " + name, of: inside("%s&" + name + ";%s")})
	}
	for _, style := range []string{"fr", "scr", "opf"} {
		all = append(all, disguise{kind: "reference: letters " + style, of: func(w string) string { return "&" + strings.Join(strings.Split(w, ""), style+";&") + style + ";" }})
	}
	return all
}

func markupDisguises() []disguise {
	var all []disguise
	for _, format := range []string{
		"%s**%s**", "**%s**%s", "%s*%s*", "*%s*%s", "%s***%s***", "%s**%s**%s", "%s*%s*%s", "%s***%s***%s", "*%s**%s***", "**%s*%s***", "%s~~%s~~", "~~%s~~%s", "%s~%s~", "%s~%s~%s", "%s~~%s~~%s", "%s~~**%s**~~%s", "_%s_*%s*", "*%s*&#x200b;_%s_",
		"%s[%s](#)", "[%s](#)%s", "%s[%s](#)%s", "[%s](x)[%s](y)", "%s[%s](<a b>)%s", "%s[%s](x 'y')%s", `%s[%s](x "y")%s`, "%s[%s](x (y))%s", "%s[%s]()%s", "%s[%s](<>)%s", "%s[](x)%s", "%s[%s](a(b)c)%s", "%s[%s](https://a.example)%s", "%s[%s](javascript:a)%s",
		"%s[%s][r]%s\n\n[r]: x", "%s[%s][R]%s\n\n[r]: <x> 'y'", "[%s*%s*](x)", "%s[**%s**](x)%s", "%s**[%s](x)**%s",
		"%s![%s](x)", "%s![%s](x)%s", "![%s](x)%s", "![%s*%s*](x)", "![%s\\\n%s](x)", "%s![%s][r]%s\n\n[r]: x", "%s![](%s)%s", "%s![](%s 'y')%s", "[![%s](x)%s](y)", "![%s`%s`](x)", "%s![](javascript:a)%s",
		"%s`%s`", "`%s`%s", "%s`%s`%s", "%s``%s``%s",
		"%s[^1]%s\n\n[^1]: x", "%s[^a]%s\n\n[^a]: x\n    y", "%s[^1][^1]%s\n\n[^1]: x", "x[^1]\n\n[^1]: %s*%s*", "x[^1]\n\n[^1]: y\n\n    %s&shy;%s", "%s[^A]%s\n\n[^a]: x",
		"[x](y '%s&shy;%s')", "![x](y '%s&shy;%s')", "[x][r]\n\n[r]: y '%s&shy;%s'", "<https://a.example/>%s*%s*", "%s[%s](#)%s https&#58;//a.example",
	} {
		all = append(all, disguise{kind: "markup: " + format, of: inside(format)})
	}
	return append(all,
		disguise{kind: "markup: every letter in emphasis", of: func(w string) string { return "*" + strings.Join(strings.Split(w, ""), "**") + "*" }},
		disguise{kind: "markup: every letter a link", of: func(w string) string { return "[" + strings.Join(strings.Split(w, ""), "](x)[") + "](x)" }},
		disguise{kind: "markup: an empty link between letters", of: func(w string) string { return strings.Join(strings.Split(w, ""), "[](x)") }},
		disguise{kind: "markup: label of no footnote", of: func(w string) string { a, b := halves(w); return "[^a " + a + "]" + b + "\n\n[^a " + a + "]: x" }},
	)
}

// blocks are the places where a text may stand.
var blocks = map[string]string{
	"heading": "# %s", "closed heading": "### %s ###", "setext heading": "%s\n===", "second setext heading": "%s\n---", "quotation": "> %s", "lazy quotation": "> a\n%s", "list": "- %s", "numbered list": "7) %s", "task": "- [ ] %s", "done task": "* [x] %s",
	"nested list": "- a\n  - b\n    - %s", "nested quotation": "> > - %s", "cell": "|a|b|\n|-|-|\n|c|%s|", "head of a table": "|%s|b|\n|:-|-:|\n|c|d|", "table without bars": "a|b\n-|-\n%s|c", "line after a hard break": "a\\\n%s", "line after spaces": "a  \n%s", "line before a break": "%s\\\nb", "middle line": "a\n%s\nb",
	"after a rule": "***\n%s", "after code": "```\na\n```\n%s", "after indented code": "    a\n\n%s", "after HTML": "<div>\n\n%s", "between tags": "<b>%s</b>", "after a comment": "<!-- a -->\n\n%s", "footnote": "a[^1]\n\n[^1]: %s", "emphasis": "*%s*", "strong": "a **%s** b", "link text": "[%s](x)", "alternative text": "![%s](x)", "in quotes": "“%s”", "between Chinese": "这是%s吗",
}

func blockDisguises() []disguise {
	var all []disguise
	for name, block := range blocks {
		for how, format := range map[string]string{"reference": "%s&shy;%s", "link": "%s[%s](#)", "deletion": "%s~~%s~~"} {
			if how == "link" && name == "link text" || how == "deletion" && name == "between Chinese" {
				continue
			}
			all = append(all, disguise{kind: "block: " + name + ", " + how, of: func(w string) string { return fmt.Sprintf(block, inside(format)(w)) }})
		}
	}
	return all
}

func unseenDisguises() []disguise {
	var all []disguise
	for _, r := range []rune{'\u00ad', '\u034f', '\u061c', '\u180e', '\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u2060', '\u2061', '\u2062', '\u2063', '\u2064', '\ufe00', '\ufe0e', '\ufe0f', '\ufeff', '\U000e0001', '\U000e0061', '\U000e0100', '\u206a', '\ufff9'} {
		all = append(all,
			disguise{kind: fmt.Sprintf("unseen: %U", r), of: inside("%s" + string(r) + "%s")},
			disguise{kind: fmt.Sprintf("unseen: %U as a reference", r), of: inside(fmt.Sprintf("%%s&#x%x;%%s", r))},
			disguise{kind: fmt.Sprintf("unseen: %U in emphasis", r), of: inside("%s*" + string(r) + "*%s")},
		)
	}
	return all
}

func reversed(w string) string {
	r := []rune(w)
	slices.Reverse(r)
	return string(r)
}

func bidiDisguises() []disguise {
	back := func(format string) func(string) string {
		return func(w string) string { return fmt.Sprintf(format, reversed(w)) }
	}
	half := func(format string) func(string) string {
		return func(w string) string { a, b := halves(w); return fmt.Sprintf(format, a, reversed(b)) }
	}
	swapped := func(format string) func(string) string {
		return func(w string) string { a, b := halves(w); return fmt.Sprintf(format, b, a) }
	}
	return []disguise{
		{kind: "bidi: override", of: back("\u202e%s")}, {kind: "bidi: closed override", of: back("a \u202e%s\u202c b")}, {kind: "bidi: override as a reference", of: back("&#x202e;%s")}, {kind: "bidi: decimal reference", of: back("&#8238;%s")},
		{kind: "bidi: second half", of: half("%s\u202e%s")}, {kind: "bidi: second half closed", of: half("%s\u202e%s\u202c.")}, {kind: "bidi: second half, references", of: half("%s&#x202e;%s&#x202c;")}, {kind: "bidi: emphasis within", of: func(w string) string { a, b := halves(reversed(w)); return "\u202e" + a + "*" + b + "*" }},
		{kind: "bidi: isolates swapped", of: swapped("\u2067\u2066%s\u2069\u2066%s\u2069\u2069")}, {kind: "bidi: isolates as references", of: swapped("&#x2067;&#x2066;%s&#x2069;&#x2066;%s&#x2069;&#x2069;")}, {kind: "bidi: isolate in an isolate", of: swapped("\u2067\u2066%s\u2069%s\u2069")},
		{kind: "bidi: embedded", of: swapped("\u202b\u202a%s\u202c\u200f\u202a%s\u202c\u202c")}, {kind: "bidi: override in an embedding", of: back("\u202a\u202e%s\u202c\u202c")}, {kind: "bidi: two overrides", of: func(w string) string {
			a, b := halves(w)
			return "\u202e" + reversed(a) + "\u202c\u202e" + reversed(b) + "\u202c"
		}},
		{kind: "bidi: in a heading", of: back("# \u202e%s")}, {kind: "bidi: in a list", of: back("- \u202e%s")}, {kind: "bidi: in a link", of: back("[\u202e%s](x)")}, {kind: "bidi: in a cell", of: back("|a|\n|-|\n|\u202e%s|")}, {kind: "bidi: in code", of: back("`\u202e%s`")}, {kind: "bidi: unused", of: inside("%s\u202a\u202c%s")},
	}
}

// combinedDisguises has two ways in one word.
func combinedDisguises() []disguise {
	var all []disguise
	ways := map[string]string{"deletion": "~~%s~~", "link": "[%s](x)", "image": "![%s](x)", "code": "`%s`", "strong": "**%s**", "unseen": "\u200b%s", "reference": "&shy;%s"}
	for one, first := range ways {
		for two, second := range ways {
			all = append(all, disguise{kind: "both: " + one + ", " + two, of: func(w string) string {
				a, b, c := thirds(w)
				return a + fmt.Sprintf(first, b) + "&#x200b;" + fmt.Sprintf(second, c)
			}})
		}
	}
	return all
}

// hiddenDisguises are not shown as the word.
func hiddenDisguises() []disguise {
	var all []disguise
	for _, format := range []string{
		"%s<!-- x -->%s", "%s<b></b>%s", "%s&#x200b%s", "%s&amp;shy;%s", "`%s&shy;%s`", "%s\\\n%s", "%s  \n%s", "%s\n%s", "%s&nbsp;%s", "%s&Tab;%s", "|%s|%s|\n|-|-|", "> %s\n\n%s", "<div>%s&shy;%s</div>", "%s\\%s", "%s|%s", "# %s\n%s", "    %s*%s*", "```\n%s&shy;%s\n```",
	} {
		all = append(all, disguise{kind: "not shown: " + format, of: inside(format), hidden: true})
	}
	return all
}
