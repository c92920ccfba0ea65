package moderator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestReadWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", []string{}},
		{"no words", " …!\n", []string{}},
		{"case", "RACISM Racism", []string{"racism", "racism"}},
		{"punctuation", "_racism_, «racism»/racism's", []string{"racism", "racism", "racism", "s"}},
		{"inside a word", "racismo antiracism racism2", []string{"racismo", "antiracism", "racism2"}},
		{"zero width", "r\u200ba\u200cc\u200di\u2060s\ufeffm", []string{"racism"}},
		{"soft hyphen, joiner, selector", "ra\u00adc\u034fi\ufe0fsm\U000e0100", []string{"racism"}},
		{"direction marks", "\u202eracism\u202c \u2066racism\u2069", []string{"racism", "racism"}},
		{"full width", "ｒａｃｉｓｍ", []string{"racism"}},
		{"circled and mathematical", "ⓡⓐⓒⓘⓢⓜ 𝓻𝓪𝓬𝓲𝓼𝓶", []string{"racism", "racism"}},
		{"long s and Kelvin sign", "raciſm \u212a", []string{"racism", "k"}},
		{"sharp s", "Straße STRASSE", []string{"strasse", "strasse"}},
		{"final sigma", "ΛΌΓΟΣ λόγος", []string{"λόγοσ", "λόγοσ"}},
		{"composed only after folding", "\u0390 \u03aa\u0301", []string{"\u0390", "\u0390"}},
		{"composed and decomposed", "caf\u00e9 cafe\u0301", []string{"caf\u00e9", "caf\u00e9"}},
		{"Devanagari with marks", "हिन्दी", []string{"हिन्दी"}},
		{"blank letters", "racism\u3164racism\uffa0", []string{"racism", "racism"}},
		{"accent as a quotation mark", "´racism´", []string{"racism"}},
		{"keycap before the word", "#\ufe0f\u20e3racism", []string{"racism"}},
		{"not UTF-8", "racism\xffracism", []string{"racism", "racism"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, strings.Fields(string(read(fold(clean(tt.text)), false).runes))); diff != "" {
				t.Errorf("words of %q differ (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestCountLinks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"":                               0,
		"http https www example.com":     0,
		"http://a":                       1,
		"see HTTPS://a, (http://b)":      2,
		"www.a.example WWW.b.example":    2,
		"https://www.a.example":          1,
		"[a](https://a)[b](http://b)":    2,
		"xhttp://a awww.b éwww.c":        0,
		"ｈｔｔｐ：／／ａ":                       1,
		"ht\u200btp://a":                 1,
		"ftp://a":                        0,
		"http://a?u=http://b":            2,
		"https://web.example/https://b/": 2,
	} {
		if got := countLinks(fold(clean(text))); got != want {
			t.Errorf("countLinks(%q) = %d, want %d", text, got, want)
		}
	}
}

// noRule is what firstIn returns when no rule matches.
const noRule = 1 << 30

// listOf makes a list in which each phrase belongs to a rule of its own.
func listOf(t testing.TB, phrases ...string) *wordList {
	t.Helper()
	list := &wordList{}
	for i, phrase := range phrases {
		e, err := newEntry(phrase, i)
		if err != nil {
			t.Fatal(err)
		}
		list.add(e)
	}
	return list
}

// firstIn returns the index of the first rule of which a word occurs in text.
func firstIn(list *wordList, text string) int {
	found := matches{}
	list.search(text, "", found)
	return slices.Min(append(slices.Collect(maps.Keys(found)), noRule))
}

func TestWordList(t *testing.T) {
	t.Parallel()
	list := listOf(t, "hate speech", "speech", "hate", "hate speech is bad", "a a b", "hate")
	for text, want := range map[string]int{
		"":                        noRule,
		"nothing here":            noRule,
		"a speech":                1,
		"i hate it":               2,
		"it is hate speech":       0,
		"a speech of hate":        1,
		"a a a b":                 4,
		"a a":                     noRule,
		"hate speech is bad":      0,
		"speech hate speech hate": 0,
	} {
		if got := firstIn(list, text); got != want {
			t.Errorf("first(%q) = %d, want %d", text, got, want)
		}
	}
}

// unseen returns every character that design.md asks to look through.
func unseen() []rune {
	runes := []rune{'\u034f', '\u00ad', '\ufe0f'}
	for r := range rune(unicode.MaxRune) {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
			runes = append(runes, r)
		}
	}
	return runes
}

const bannedWords = `rules: [{name: banned, then: reject, words: [racism, "hate speech", "ｆｏｏ", Straße]}]`

// banned generates a listed word or phrase as somebody might write it.
func banned() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"racism", "hate speech", "hate -- speech", "foo", "strasse"})
}

// TestUnseenAndPunctuationNeverMatter tries every character of the classes, not
// a sample: there are few enough.
func TestUnseenAndPunctuationNeverMatter(t *testing.T) {
	t.Parallel()
	rules := parse(t, bannedWords)
	for _, r := range unseen() {
		if v := rules.Decide(Text{Content: "ra" + string(r) + "cism"}); v.Rule != "banned" {
			t.Errorf("%U inside hides the word", r)
		}
	}
	for r := range rune(unicode.MaxRune) {
		if !unicode.IsPunct(r) && !unicode.IsSpace(r) {
			continue
		}
		if v := rules.Decide(Text{Content: string(r) + "racism" + string(r)}); v.Rule != "banned" {
			t.Errorf("%U around hides the word", r)
		}
	}
}

func TestDisguisesNeverChangeTheVerdict(t *testing.T) {
	t.Parallel()
	rules := parse(t, bannedWords)
	hidden := unseen()
	punctuation := rapid.StringOf(rapid.RuneFrom(nil, unicode.P, unicode.Z))
	rapid.Check(t, func(t *rapid.T) {
		text := banned().Draw(t, "text")
		if rapid.Bool().Draw(t, "harmless") {
			text = strings.ReplaceAll(text, "s", "z") + " and tea"
		}
		want := rules.Decide(Text{Content: text})

		var b strings.Builder
		b.WriteString(punctuation.Draw(t, "before"))
		for _, r := range text {
			if rapid.Bool().Draw(t, "upper") {
				r = unicode.ToUpper(r)
			}
			b.WriteRune(r)
			b.WriteString(string(rapid.SliceOfN(rapid.SampledFrom(hidden), 0, 3).Draw(t, "hidden")))
		}
		b.WriteString(punctuation.Draw(t, "after"))
		for _, disguised := range []Text{{Content: b.String()}, {Author: b.String()}} {
			if diff := cmp.Diff(want, rules.Decide(disguised)); diff != "" {
				t.Fatalf("verdict on %#v differs from that on %q (-want +got):\n%s", disguised, text, diff)
			}
		}
	})
}

// digits are those that are written beside Latin letters.
var digits = &unicode.RangeTable{R16: []unicode.Range16{{Lo: '0', Hi: '9', Stride: 1}}}

func TestLongerWordsDoNotMatch(t *testing.T) {
	t.Parallel()
	rules := parse(t, bannedWords)
	letters := rapid.StringOfN(rapid.RuneFrom(nil, unicode.Latin, digits), 1, 5, -1).
		Filter(func(s string) bool { // some letters fall apart: NFKC makes "L·" of "Ŀ"
			return !strings.ContainsFunc(fold(clean(s)), func(r rune) bool { return !isWordRune(r) })
		})
	rapid.Check(t, func(t *rapid.T) {
		word, more := banned().Draw(t, "word"), letters.Draw(t, "more")
		for _, text := range []string{word + more, more + word} {
			if v := rules.Decide(Text{Content: text, Author: text}); v.Rule != "" {
				t.Fatalf("%q matches %q", text, v.Rule)
			}
		}
	})
}

// TestDecideAgreesWithSearch compares the list with the plain way of looking
// for each phrase in turn.
func TestDecideAgreesWithSearch(tt *testing.T) {
	tt.Parallel()
	phrase := rapid.StringMatching(`[ab]{1,2}( [ab]{1,2}){0,2}`)
	rapid.Check(tt, func(t *rapid.T) {
		phrases := rapid.SliceOfN(phrase, 0, 6).Draw(t, "phrases")
		text := rapid.StringMatching(`[ab]{1,2}( [ab]{1,2}){0,8}`).Draw(t, "text")
		want := noRule
		for i, p := range phrases {
			if want == noRule && strings.Contains(" "+text+" ", " "+p+" ") {
				want = i
			}
		}
		if got := firstIn(listOf(tt, phrases...), text); got != want {
			t.Fatalf("first(%q) among %q = %d, want %d", text, phrases, got, want)
		}
	})
}

func TestCleanIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := clean(rapid.String().Draw(t, "text"))
		if !utf8.ValidString(s) {
			t.Fatalf("%q is not valid UTF-8", s)
		}
		if again := clean(s); again != s {
			t.Fatalf("clean makes %+q of %+q, which it made itself", again, s)
		}
	})
}

// BenchmarkDecide shows that a comment of 5,000 characters costs the same
// against one word and against 10,000, in one rule and in many.
func BenchmarkDecide(b *testing.B) {
	comment := strings.Repeat("all work and no play makes a dull Newsfeed, they say. ", 93)[:5000]
	foreign := string([]rune(strings.Repeat("Всё это не стоит и выеденного яйца, говорят. ", 120))[:5000])
	for _, size := range []struct{ rules, words int }{{1, 1}, {1, 10_000}, {1000, 10}} {
		var yaml strings.Builder
		yaml.WriteString("rules:\n")
		for r := range size.rules {
			fmt.Fprintf(&yaml, "  - {name: r%d, then: reject, words: [", r)
			for w := range size.words {
				fmt.Fprintf(&yaml, "word%dof%d,", w, r)
			}
			yaml.WriteString("]}\n")
		}
		rules := parse(b, yaml.String())
		for name, content := range map[string]string{"ascii": comment, "cyrillic": foreign} {
			b.Run(fmt.Sprintf("rules=%d/words=%d/%s", size.rules, size.rules*size.words, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					rules.Decide(Text{Content: content, Author: "Ann"})
				}
			})
		}
	}
}
