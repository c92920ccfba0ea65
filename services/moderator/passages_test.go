package moderator

import (
	"strings"
	"testing"

	"newsfeed/internal/event"
	"newsfeed/internal/markdown"
)

func TestDecide_JudgesWhatIsShown(t *testing.T) {
	t.Parallel()
	rules := parse(t, `rules:
  - {name: words, words: [racism, hate speech], then: reject}
  - {name: patterns, patterns: ['casino\d+'], then: reject}
  - {name: friend, words: [friend], then: approve}
`)
	for text, want := range map[string]Verdict{
		"rac&#105;sm":              {Status: event.Rejected, Rule: "words"},
		"ra**ci**sm":               {Status: event.Rejected, Rule: "words"},
		"ra[cism](#)":              {Status: event.Rejected, Rule: "words"},
		"rac&shy;ism":              {Status: event.Rejected, Rule: "words"},
		"ra[^1]cism\n\n[^1]: x":    {Status: event.Rejected, Rule: "words"},
		"[x](# 'rac&#105;sm')":     {Status: event.Rejected, Rule: "words"},
		"*hate*&nbsp;sp**eech**":   {Status: event.Rejected, Rule: "words"},
		"cas**ino**7":              {Status: event.Rejected, Rule: "patterns"},
		"\u202emsicar":             {Status: event.Rejected, Rule: "words"},
		"&#x202e;msi*car*":         {Status: event.Rejected, Rule: "words"},
		"\u2067\u2066cism\u2069ra": {Status: event.Rejected, Rule: "words"},
		"\u2067\u2066cism\u2069\u2066ra\u2069\u2069": {Status: event.Rejected, Rule: "words"},
		"\u200fcism\u200fra":                         {Status: event.Flagged, Rule: "words"}, // where the paragraph runs from right to left
		`rac\&#105;sm`:                               {Status: event.Approved},               // shown as rac&#105;sm
		"ra*cism":                                    {Status: event.Flagged, Rule: "words"}, // another parser may see emphasis
		"ra|cism":                                    {Status: event.Approved},
		"rac\u202emsi":                               {Status: event.Rejected, Rule: "words"},
		"**fri**end":                                 {Status: event.Approved, Rule: "friend"},
		"fri*end":                                    {Status: event.Approved}, // a doubtful match approves nothing
		strings.Repeat(">", 3_000) + "x":             {Status: event.Flagged, Rule: "words"},
		strings.Repeat("[", 3_000) + " racism":       {Status: event.Rejected, Rule: "words"},
	} {
		got := rules.Decide(Text{Content: text})
		if got.Status != want.Status || got.Rule != want.Rule {
			t.Errorf("%+q: %s by %q (%s), want %s by %q", text, got.Status, got.Rule, got.Reason, want.Status, want.Rule)
		}
	}
	if got := rules.Decide(Text{Content: "x", Author: "\u202emsicar"}); got.Status != event.Rejected {
		t.Errorf("a name that shows the word is %s", got.Status)
	}
	if got := parse(t, "rules: [{name: newcomers, firstComments: 1, then: hold}]").Decide(Text{Content: strings.Repeat(">", 3_000), Approved: 1, KnownAuthor: true}); got.Status != event.Approved {
		t.Errorf("a text with much markup is %s where no rule is about the text", got.Status)
	}
}

func TestDecide_JudgesLinksThatTheWebAppMakes(t *testing.T) {
	t.Parallel()
	rules := parse(t, `rules:
  - {name: bad, linksTo: [casino.example, bücher.example, xn--bcher-kva.test, 127.0.0.1], then: reject}
  - {name: any, maxLinks: 0, then: hold}
`)
	for _, text := range []string{
		"[x](https&#58;//casino.example)", "<https:casino.example>", "http&colon;//casino.example", "[x][1]\n\n[1]: https:casino.example",
		"中https://casino.example", "看https://casino.example/页", "mail a@casino.example", `www\.casino.example`, `[x](https:\\casino.example)`,
		"[x](https:/casino.example)", "[x](https://ok.example@casino.example.)", "[x](https://%63asino.example)", "![x](https://sub.casino.example/p)",
		"[x](https://bücher.example)", "[x](https://xn--bcher-kva.example)", "https://bücher.test", "[x](http://0x7f.1)", "http://2130706433",
		"[x](https://ｃａｓｉｎｏ.example)", "[x](mailto:a@ok.example?cc=b@casino.example)", "https&#58;//casino.example*x*",
	} {
		if v := rules.Decide(Text{Content: text}); v.Rule != "bad" || v.Status != event.Rejected {
			t.Errorf("%q: %s by %q, want it rejected by the rule about its host", text, v.Status, v.Rule)
		}
	}
	for text, want := range map[string]string{
		"no link": "", "ewww.gross, note: this": "", "[x](/posts/1)": "", "@ann": "", "a@b": "",
		"[x](https:ok.example)": "any", "a@ok.example": "any",
	} {
		if v := rules.Decide(Text{Content: text}); v.Rule != want {
			t.Errorf("%q: decided by %q, want %q", text, v.Rule, want)
		}
	}
	elsewhere := parse(t, "rules: [{name: elsewhere, linksNotTo: [ok.example], then: hold}]")
	for text, want := range map[string]string{
		"[x](https://ok.example) https://www.ok.example/a@b.example?u=https%3a//x": "", "<https:casino.example>": "elsewhere", "a@casino.example": "elsewhere",
		"[ok](https://ok.example/ 'a') and a@ok.example": "",
	} {
		if v := elsewhere.Decide(Text{Content: text}); v.Rule != want {
			t.Errorf("%q: decided by %q, want %q", text, v.Rule, want)
		}
	}
}

func TestFingerprint_SameForWhatShowsTheSame(t *testing.T) {
	t.Parallel()
	of := func(text string) string { return fingerprint(text, markdown.Read(text)) }
	for _, text := range []string{"**buy** now", "b&#117;y now", "b**u**y *now*", "buy[](#a) now", "buy[](https://x.example/1) now", "buy\u200b now", "buy now\n\n[x]: y", "# buy now"} {
		if of(text) != of("buy now") {
			t.Errorf("%q is another text than the one that it shows", text)
		}
	}
	if of("[here](https://a.example)") == of("[here](https://b.example)") {
		t.Error("links to different pages are taken for one text")
	}
}

func TestInVisualOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text     string
		ltr, rtl string // without the marks
	}{
		{"", "", ""},
		{"abc", "abc", "abc"},
		{"abc def", "abc def", "abc def"},
		{"\u202ecba", "abc", "abc"},
		{"x\u202efed\u202c y", "xdef y", "y defx"},
		{"אבג", "גבא", "גבא"},
		{"abc אבג", "abc גבא", "גבא abc"},
		{"אבג abc", "גבא abc", "abc גבא"},
		{"\u2067\u2066cism\u2069\u2066ra\u2069\u2069", "racism", "racism"},
		{"\u202ec\u202dba\u202c", "bac", "bac"},
		{"a\u202ecb\nde", "abc\nde", "bca\nde"},
		{"\u202e321", "123", "123"},
		{"12 אב 34", "12 34 בא", "34 בא 12"},
		{strings.Repeat("\u202e", 200) + "cba", "abc", "abc"},
	} {
		for level, want := range []string{tt.ltr, tt.rtl} {
			if got := clean(inVisualOrder(tt.text, level)); got != want {
				t.Errorf("%+q at level %d: %q, want %q", tt.text, level, got, want)
			}
		}
	}
}
