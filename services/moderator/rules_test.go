package moderator

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newsfeed/internal/event"
)

// parse makes rules of YAML that a test knows to be right.
func parse(t testing.TB, yaml string) Rules {
	t.Helper()
	rules, err := ParseRules([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

const fourKinds = `
rules:
  - {name: friend, words: [moderator], then: approve, reason: one of us}
  - name: banned words
    words: [terrorism, racism, "hate speech", "Straße", 1984]
    then: reject
    reason: contains a banned word
    note: please rephrase
  - {name: many links, maxLinks: 2, then: hold}
  - {name: casino, patterns: ['(?i)\bcasino\d+\b', 'FREE!'], then: reject}
  - {name: newcomers, firstComments: 2, then: hold}
`

func TestDecide(t *testing.T) {
	t.Parallel()
	rules := parse(t, fourKinds)
	approved := Verdict{Status: event.Approved}
	friend := Verdict{Status: event.Approved, Reason: "one of us", Rule: "friend"}
	banned := Verdict{event.Rejected, "contains a banned word", "please rephrase", "banned words"}
	links := Verdict{Status: event.Flagged, Reason: `flagged by the rule "many links"`, Rule: "many links"}
	casino := Verdict{Status: event.Rejected, Reason: `rejected by the rule "casino"`, Rule: "casino"}
	newcomer := Verdict{Status: event.Flagged, Reason: `flagged by the rule "newcomers"`, Rule: "newcomers"}
	by := func(author, content string) Text {
		return Text{Content: content, Author: author, Approved: 2, KnownAuthor: true}
	}
	for _, tt := range []struct {
		name string
		text Text
		want Verdict
	}{
		{"nothing", by("Ann", "What a fine day"), approved},
		{"empty", by("", ""), approved},
		{"word", by("Ann", "this is racism, is it not"), banned},
		{"word in the name", by("Racism", "hello"), banned},
		{"phrase split between name and content", by("hate", "speech"), approved},
		{"number as a word", by("Ann", "it is like 1984!"), banned},
		{"two links", by("Ann", "http://a.example www.b.example"), approved},
		{"three links", by("Ann", "http://a.example www.b.example HTTPS://c.example"), links},
		{"links in name and content", by("www.a.example", "http://b.example http://c.example"), links},
		{"pattern", by("Ann", "win at Casino77 now"), casino},
		{"pattern after cleaning", by("Ann", "win at ｃａｓｉｎｏ\u200b77 now"), casino},
		{"pattern sees upper case", by("Ann", "FREE!"), casino},
		{"pattern sees lower case", by("Ann", "free!"), approved},
		{"pattern in the name", by("casino1", "hello"), casino},
		{"first rule wins", by("moderator", "racism"), friend},
		{"order counts, not place", by("Ann", "racism, says the moderator"), friend},
		{"word before links", by("Ann", "racism www.a www.b www.c"), banned},
		{"links before pattern", by("Ann", "casino1 www.a www.b www.c"), links},
		{"new author", Text{Content: "hello", Approved: 1, KnownAuthor: true}, newcomer},
		{"unknown author counts as new", Text{Content: "hello", Approved: 9}, newcomer},
		{"not UTF-8", by("\xff", "racism\xff"), banned},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, rules.Decide(tt.text)); diff != "" {
				t.Errorf("Decide(%+v) differs (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestDecideWithoutRules(t *testing.T) {
	t.Parallel()
	for _, rules := range []Rules{{}, parse(t, "rules: []")} {
		if got := rules.Decide(Text{Content: "racism"}); got != (Verdict{Status: event.Approved}) {
			t.Errorf("Decide with no rules = %+v, want approved", got)
		}
	}
}

// TestDefaultRules holds what design.md promises of a fresh installation, and
// that the examples in the file work when the reader uncomments them.
func TestDefaultRules(t *testing.T) {
	t.Parallel()
	file, err := OpenRules("")
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]event.Status{
		"Racism!": event.Rejected, "ra\u200bcism": event.Rejected, "TERRORISM": event.Rejected,
		"racismo": event.Approved, "hello http://a http://b http://c http://d": event.Approved,
	} {
		got := file.Current().Decide(Text{Content: content})
		if got.Status != want || (got.Status == event.Rejected && got.Reason == "") {
			t.Errorf("Decide(%q) = %+v, want %s and a reason if rejected", content, got, want)
		}
	}
	all := parse(t, regexp.MustCompile(`(?m)^  # (- |  )`).ReplaceAllString(defaultRules, "  $1"))
	if got := all.Len(); got != 8 {
		t.Errorf("%d rules with the examples, want 8", got)
	}
}

func TestParseRulesKeepsWhatItReads(t *testing.T) {
	t.Parallel()
	because := strings.Repeat("é", maxNote)
	// Windows line ends and a byte order mark are what some editors write.
	rules := parse(t, "\ufeff"+strings.ReplaceAll(`# a comment
rules:
  - name: ' a '
    words: [no, 1984, 'it''s', 1.50,
      true]
    then: reject
    note: |
      two
      lines
  - {name: b, patterns: ['\d'], then: hold, reason: , note: ~}
  - {name: c, maxLinks: 0, then: approve, reason: `+because+`}
  - {name: d, firstComments: 1, then: hold}
  - {name: e, linksTo: [Bad.example, www.worse.example.], then: hold}
  - {name: f, linksNotTo: [good.example], then: hold}
  - {name: g, maxRate: 5 in 10m, then: hold}
  - {name: h, maxCopies: '2  in 24h', then: hold}
`, "\n", "\r\n"))
	want := []Rule{
		{
			Name: "a", Words: []string{"no", "1984", "it's", "1.50", "true"}, Then: "reject",
			Reason: `rejected by the rule "a"`, Note: "two\nlines",
		},
		{Name: "b", Patterns: []string{`\d`}, Then: "hold", Reason: `flagged by the rule "b"`},
		{Name: "c", MaxLinks: new(0), Then: "approve", Reason: because},
		{Name: "d", FirstComments: new(1), Then: "hold", Reason: `flagged by the rule "d"`},
		{Name: "e", LinksTo: []string{"Bad.example", "www.worse.example."}, Then: "hold", Reason: `flagged by the rule "e"`},
		{Name: "f", LinksNotTo: []string{"good.example"}, Then: "hold", Reason: `flagged by the rule "f"`},
		{Name: "g", MaxRate: &Limit{5, 10 * time.Minute}, Then: "hold", Reason: `flagged by the rule "g"`},
		{Name: "h", MaxCopies: &Limit{2, 24 * time.Hour}, Then: "hold", Reason: `flagged by the rule "h"`},
	}
	opt := cmpopts.IgnoreUnexported(Rule{})
	if diff := cmp.Diff(want, rules.List(), opt); diff != "" {
		t.Errorf("rules differ (-want +got):\n%s", diff)
	}
	// What a caller does with the list is none of the rules' concern.
	list := rules.List()
	list[0].Words[0], *list[2].MaxLinks = "changed", 9
	if diff := cmp.Diff(want, rules.List(), opt); diff != "" {
		t.Errorf("rules changed with their list (-want +got):\n%s", diff)
	}
}

func TestParseRulesRefuses(t *testing.T) {
	t.Parallel()
	rule := func(lines string) string { return "rules:\n  - name: a\n    then: hold\n    " + lines }
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, tt := range []struct{ name, yaml, want string }{
		{"nothing", "", "line 1: the file is empty; write rules: [] for none"},
		{"comments only", "# rules:\n", "line 1: the file is empty; write rules: [] for none"},
		{"no list", "rules:\n", "line 1: rules must be a list; write [] for none"},
		{"not a mapping", "\n- a\n", `line 2: expected "rules:" and a list`},
		{"other key", "rules: []\nrule: []\n", `line 2: unknown key "rule"; only rules is known here`},
		{"key twice", "rules: []\nrules: []\n", `line 2: mapping key "rules" already defined at [1:1]`},
		{"two documents", "rules: []\n---\nrules: []\n", "line 3: a second YAML document begins"},
		{"tab", "rules:\n\t- a\n", "line 2: found character ' ' that cannot start any token"},
		{"not UTF-8", "rules:\n - \xff\n", "line 2: not UTF-8"},
		{"large", "#" + strings.Repeat("a", maxRulesBytes), "larger than 1048576 bytes"},
		{"brackets", "rules:\n" + strings.Repeat("[", maxRulesBytes/2), "line 2: too many keys or nested too deeply"},
		{"dashes", "rules:\n" + strings.Repeat("- ", maxRulesBytes/4), "line 2: too many keys or nested too deeply"},
		{"keys", list(50_000, "k%d: 1\n"), "line 10001: too many keys or nested too deeply"},
		{"rule is a text", "rules:\n  - a\n", "line 2: a rule must have keys and values, such as name: spam"},
		{"no name", "rules:\n  - then: hold\n    words: [a]\n", "line 2: the rule has no name"},
		{"empty name", "rules: [{name: ' ', then: hold, words: [a]}]", "line 1: the rule has no name"},
		{"name twice", rule("words: [a]\n  - {name: a, then: hold, words: [b]}"), `line 5: the name "a" is taken by the rule in line 2`},
		{"long name", "rules: [{name: " + strings.Repeat("é", 101) + "}]", "line 1: name is longer than 100 characters"},
		{"name is a list", "rules:\n  - name: [a]", "line 2: name must be text; put quotes around it if it is"},
		{"control character", `rules: [{name: "a\e[0m"}]`, "line 1: name has a control character"},
		{"no then", "rules: [{name: a, words: [a]}]", `line 1: rule "a" has no then`},
		{"unknown then", "rules: [{name: a, then: rejct}]", `line 1: then: "rejct" is none of reject, hold, approve`},
		{"no condition", rule(""), `line 2: rule "a" needs exactly one of words, patterns, maxLinks, linksTo, linksNotTo, firstComments, maxRate, maxCopies, authors, networks; it has 0`},
		{"two conditions", rule("words: [a]\n    maxLinks: 1"), `line 2: rule "a" needs exactly one of words, patterns, maxLinks, linksTo, linksNotTo, firstComments, maxRate, maxCopies, authors, networks; it has 2`},
		{"unknown key", rule("word: [a]"), `line 4: unknown key "word"`},
		{"merge key", rule("<<: {}"), `line 4: unknown key "<<"`},
		{"anchor", rule("words: [&a b]"), "line 4: words: entry 1: must be text; put quotes around it if it is"},
		{"words is a text", rule("words: a"), "line 4: words must be a list of one or more"},
		{"no words", rule("words: []"), "line 4: words must be a list of one or more"},
		{"empty word", rule("words:\n      - a\n      -\n"), "line 6: words: entry 2: must be text; put quotes around it if it is"},
		{"word without letters", rule("words: [a, '\u200b!']"), "line 4: words: entry 2: has no letter or digit (\"\\u200b!\")"},
		{"long word", rule("words: [" + strings.Repeat("a", 1001) + "]"), "line 4: words: entry 1: is longer than 1000 characters"},
		{"many words", rule("words: [" + list(10_001, "w%d,") + "]"), "line 4: words: entry 10001: more than 10000 words in all (\"w10000\")"},
		{"many rules", "rules:\n" + list(1001, "  - {name: r%d, maxLinks: 1, then: hold}\n"), "line 1002: more than 1000 rules"},
		{"bad pattern", rule("patterns: [a, '(b']"), "line 4: patterns: entry 2: missing closing ) at \"(b\" (\"(b\")"},
		{"empty pattern", rule("patterns: ['']"), "line 4: patterns: entry 1: is empty"},
		{"long pattern", rule("patterns: [" + strings.Repeat("a", 1001) + "]"), "line 4: patterns: entry 1: is longer than 1000 characters"},
		{"many patterns", rule("patterns: [" + list(1001, "p%d,") + "]"), "line 4: patterns: entry 1001: more than 1000 patterns in all (\"p1000\")"},
		{"costly patterns", rule("patterns: ['" + strings.Repeat(`\pL{1000}`, 101) + "']"), `line 4: patterns: entry 1: the patterns are too costly in all; use fewer or smaller repeats ("\\pL{1000}\\pL{1000}\\pL{1000}\\pL{1000}\\pL{1000}\\pL{1000}\\pL{10…")`},
		{"links below 0", rule("maxLinks: -1"), "line 4: maxLinks must be a whole number from 0 to 1000000"},
		{"links as text", rule("maxLinks: '1'"), "line 4: maxLinks must be a whole number from 0 to 1000000"},
		{"links too many", rule("maxLinks: 99999999999999999999"), "line 4: maxLinks must be a whole number from 0 to 1000000"},
		{"links just too many", rule("maxLinks: 1000001"), "line 4: maxLinks must be a whole number from 0 to 1000000"},
		{"host with a path", rule("linksTo: [a.example/b]"), `line 4: linksTo: entry 1: is not the name of a host, such as example.com ("a.example/b")`},
		{"no host", rule("linksNotTo: ['.']"), `line 4: linksNotTo: entry 1: is not the name of a host, such as example.com (".")`},
		{"rate without a time", rule("maxRate: 5"), "line 4: maxRate must be a number and a time up to 24h, such as 5 in 10m"},
		{"rate with a long time", rule("maxRate: 5 in 25h"), "line 4: maxRate must be a number and a time up to 24h, such as 5 in 10m"},
		{"rate of none", rule("maxRate: 0 in 1m"), "line 4: maxRate must have a number from 1 to 10000"},
		{"many copies", rule("maxCopies: 101 in 1m"), "line 4: maxCopies must have a number from 1 to 100"},
		{"first 0 comments", rule("firstComments: 0"), "line 4: firstComments must be a whole number from 1 to 1000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseRules([]byte(tt.yaml))
			if err == nil {
				t.Fatalf("accepted, want %q", tt.want)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error differs (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzParseRules holds that no file makes ParseRules panic, that an error is
// one line, and that what it accepts can decide.
func FuzzParseRules(f *testing.F) {
	f.Add([]byte(defaultRules))
	f.Add([]byte(fourKinds))
	f.Add([]byte("rules: [{name: a, then: hold, patterns: ['(']}]"))
	f.Add([]byte("%YAML 1.2\n---\n? a\n: - &x !!str b\n  - *x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := ParseRules(data)
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("error is not one clean line: %q", err)
			}
			return
		}
		for _, rule := range rules.List() {
			if rule.Name == "" || rule.Reason == "" {
				t.Errorf("rule without name or reason: %+v", rule)
			}
			for _, w := range rule.Words {
				if v := rules.Decide(Text{Content: w}); v.Rule == "" {
					t.Errorf("the listed word %q is not found in itself", w)
				}
			}
		}
	})
}

// FuzzDecide holds that no text makes Decide panic, and that the same text gets
// the same verdict.
func FuzzDecide(f *testing.F) {
	f.Add("Racism!", "Ann", 0, true)
	f.Add("ra\u200bcism \xff\u034f http://www.x", "ｒａｃｉｓｍ", -1, false)
	f.Add(strings.Repeat("\u0301", 100)+"\ufdfa\u3164", "", 1<<40, true)
	rules := parse(f, fourKinds)
	f.Fuzz(func(t *testing.T, content, author string, approved int, known bool) {
		text := Text{Content: content, Author: author, Approved: approved, KnownAuthor: known}
		v := rules.Decide(text)
		if v.Status != event.Approved && v.Status != event.Rejected && v.Status != event.Flagged {
			t.Errorf("Decide(%+v) = %+v, which is no verdict", text, v)
		}
		if again := rules.Decide(text); again != v {
			t.Errorf("Decide(%+v) = %+v and then %+v", text, v, again)
		}
	})
}
