package web

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// detailOf returns what is wrong with a line of at most 300 characters.
func detailOf(s string, least int) string {
	var c Check
	c.Line("/x", s, least, 300)
	if len(c.fields) == 0 {
		return ""
	}
	return c.fields[0].Detail
}

func TestLine_RefusesWhatShowsNothing(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"zero width space": "\u200b", "joiners": "\u200c\u200d", "word joiner": "\u2060", "byte order mark": "\ufeff", "soft hyphen": "\u00ad",
		"Hangul filler": "\u3164", "Hangul Choseong filler": "\u115f\u1160", "half-width filler": "\uffa0", "Braille blank": "\u2800\u2800",
		"spaces between": "\u200b \u3000 \u200b", "grapheme joiner": "\u034f", "variation selectors": "\ufe0f\U000e0100", "direction marks": "\u200e\u200f",
		"isolates": "\u2066\u2069", "tags": "\U000e0041\U000e007f", "no-break space": "\u00a0", "Mongolian separator": "\u180e", "Khmer inherent vowel": "\u17b4",
		"null note head": "\U0001d159", "invisible times": "\u2062", "shorthand": "\U0001bca0",
	} {
		if got := detailOf(s, 1); got != "must not be empty" {
			t.Errorf("a title of %s: %q, want that it is empty", name, got)
		}
		if got := detailOf(s, 0); strings.TrimSpace(s) != "" && got != "must show something, or be left out" {
			t.Errorf("a name of %s: %q", name, got)
		}
		var c Check
		if c.Text("/x", s, 1, 10); len(c.fields) == 0 {
			t.Errorf("a body of %s is accepted", name)
		}
	}
	if got := detailOf("", 0); got != "" {
		t.Errorf("a name that is left out: %q", got)
	}
}

func TestLine_FormatCharacters(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"family": "👨\u200d👩\u200d👧", "rainbow flag": "🏳\ufe0f\u200d🌈", "skin tone": "👩🏽\u200d💻", "heart on fire": "❤\ufe0f\u200d🔥", "head shaking": "🙂\u200d↔\ufe0f",
		"flag of Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "Persian": "می\u200cشود", "Persian plural": "کار\u200cها و CD\u200cها",
		"Devanagari half form": "क्\u200dष", "Devanagari virama shown": "क्\u200cष", "Bengali ra-yaphala": "র\u200d্যাব", "Malayalam chillu": "അവന്\u200d", "Sinhala": "ශ්\u200dරී",
		"Thai with breaks": "สวัสดี\u200bชาวโลก", "Khmer with breaks": "ភាសា\u200bខ្មែរ", "soft hyphen in a word": "Donau\u00addampf", "Arabic number sign": "\u0600١٢",
		"closed isolate": "\u2068Ann\u2069 said", "isolates in isolates": "\u2066a\u2067b\u2069c\u2069", "Hebrew embedded": "\u202bשלום\u202c a", "Hebrew with a mark": "שלום!\u200f", "Arabic letter mark": "\u061cسلام",
		"embedding ended by its isolate": "\u2067שלום \u202bעולם\u2069", "Mongolian": "ᠣᠷᠢᠭ\u180eᠠ", "accents": "Zoë 東京 Ελλάδα",
	} {
		if got := detailOf(s, 1); got != "" {
			t.Errorf("%s %+q: %q, want accepted", name, s, got)
		}
	}
	for s, want := range map[string]string{
		"msicar\u202e":          "must not have U+202E, which overrides the direction of writing",
		"\u202dabc\u202c":       "must not have U+202D, which overrides",
		"\u2067abc":             "must end the change of direction that U+2067 begins",
		"\u2066a\u2067b\u2069":  "must end the change of direction that U+2066 begins",
		"\u202bשלום":            "must end the change of direction that U+202B begins",
		"abc\u2069":             "must not have U+2069, which ends an isolate",
		"שלום\u202c":            "must not have U+202C, which ends an embedding",
		"\u2067ש\u202c\u2069":   "must not have U+202C, which ends an embedding",
		"\u202aabc\u202c":       "must not have the invisible character U+202A",
		"Ann\u200e":             "must not have the invisible character U+200E",
		"ra\u200bcism":          "must not have the invisible character U+200B",
		"ra\u200ccism":          "must not have the invisible character U+200C",
		"ra\u200dcism":          "must not have the invisible character U+200D",
		"Ann\u200d":             "must not have the invisible character U+200D",
		"👩\u200d":               "must not have the invisible character U+200D",
		"Ann\u00ad":             "must not have the invisible character U+00AD",
		"Ann\u2060Lee":          "must not have the invisible character U+2060",
		"\ufeffAnn":             "must not have the invisible character U+FEFF",
		"a\u180eb":              "must not have the invisible character U+180E",
		"a\U000e0041b":          "must not have the invisible character U+E0041",
		"🏴\U000e0067":           "must not have the invisible character U+E0067",
		"a\ufff9b\ufffac\ufffb": "must not have the invisible character U+FFF9",
	} {
		if got := detailOf(s, 1); !strings.HasPrefix(got, want) {
			t.Errorf("%+q: %q, want %q", s, got, want)
		}
		var c Check
		if c.Text("/x", s, 1, 100); len(c.fields) > 0 {
			t.Errorf("%+q as a body: %q, want accepted", s, c.fields[0].Detail)
		}
	}
}

// No format character hides in a line of Latin letters.
func TestLine_EveryFormatCharacterBetweenLatinLetters(t *testing.T) {
	t.Parallel()
	for r := range rune(unicode.MaxRune) {
		drawn := r == softHyphen || unicode.Is(unicode.Prepended_Concatenation_Mark, r)
		if unicode.Is(unicode.Cf, r) && !drawn && detailOf("An"+string(r)+"n", 1) == "" {
			t.Errorf("%U is accepted", r)
		}
	}
}

// What shows something and has no format character is refused for neither.
func TestLine_VisibleTextIsAccepted(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom(nil, unicode.L, unicode.N, unicode.P), 1, 20, -1).
		Filter(func(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return !isShown(r) }) })
	rapid.Check(t, func(t *rapid.T) {
		if s := text.Draw(t, "text"); detailOf(s, 1) != "" {
			t.Fatalf("%+q: %s", s, detailOf(s, 1))
		}
	})
}
