package moderator

import (
	"fmt"
	"strings"
	"testing"
)

func TestRules_Warnings(t *testing.T) {
	t.Parallel()
	const none = ""
	for listed, want := range map[string]string{
		"racism": none, "hate speech": none, "Über": none, "İŞ": none, "IT": none, "am": none, "xx": none, "1984": none, "g-spot": none, "it's": none, "Straße": none,
		"笨蛋": none, "卖B": none, "ゲイ・セックス": none, "sm": none, "می\u200cشود": none, "क्\u200dष": none, "हिन्दी": none, "병신": none, "씹": none, "racis*": none, "笨蛋!": none,
		"병신!": none, "性*": none, "🖕": none, "❤\ufe0f": none, "g スポット": none, "หํา": none,
		"s&m":          `it shrinks to "sm"; it is found only with the signs that it has`,
		"C++":          `it shrinks to "c"`,
		"I-I":          `it shrinks to "ii"`,
		"13.":          "it becomes the number 13",
		"#13":          "it becomes the number 13",
		"²":            "it becomes the number 2",
		"１９８４":         "it becomes the number 1984",
		"ra\u00adcism": "it loses U+00AD",
		"ra\u200bcism": "it loses U+200B",
		"r\u0336acism": "it loses U+0336",
		"x\u0336y":     `it loses U+0336; it shrinks to "xy"`,
		"\u202eracism": "it loses U+202E",
		"\u3164racism": "it loses U+3164",
		"(racism)":     "it is found only with the signs that it has",
		"racism.":      "it is found only with the signs that it has",
		"性":            "it is one character",
		"性!":           "it is one character",
		"racism!":      `"!" is a mark of the entry, which makes no difference in this script`,
	} {
		rules := parse(t, fmt.Sprintf("rules:\n  - name: a\n    then: hold\n    words:\n      - fine\n      - %q\n", listed))
		got := ""
		for _, w := range rules.Warnings() {
			if w.Line != 6 || w.Entry != listed {
				t.Errorf("%+q: warning about %q in line %d, want line 6", listed, w.Entry, w.Line)
			}
			got = w.Reason
		}
		if want == none && got != none || !strings.HasPrefix(got, want) {
			t.Errorf("%+q: %q, want %q", listed, got, want)
		}
	}
}

func TestParseRules_ListsAllMistakes(t *testing.T) {
	t.Parallel()
	const file = `rules:
  - a
  - name: b
    then: hld
    words: ['!', fine, '...']
  - {name: c, then: hold, linksTo: ['a b'], reason: [x]}
  - {name: b, then: hold, maxLinks: 1}
  - {name: b, then: hold, maxLinks: 1}
`
	_, err := ParseRules([]byte(file))
	var got []string
	for _, m := range mistakesIn(err) {
		got = append(got, fmt.Sprintf("%d %s", m.Line, m.Reason))
	}
	want := []string{
		"2 a rule must have keys and values, such as name: spam", `4 then: "hld" is none of reject, hold, approve`,
		"5 words: entry 1: has no letter or digit", "5 words: entry 3: has no letter or digit",
		"6 linksTo: entry 1: is not the name of a host, such as example.com", "6 reason must be text; put quotes around it if it is",
		`8 the name "b" is taken by the rule in line 7`,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	_, err = ParseRules([]byte("rules:\n" + strings.Repeat("  - a\n", maxRules)))
	if got := mistakesIn(err); len(got) != maxMistakes+1 || !strings.Contains(got[maxMistakes].Reason, "too many mistakes") {
		t.Errorf("%d mistakes listed, want %d and a note", len(got), maxMistakes)
	}
}
