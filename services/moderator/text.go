package moderator

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// clean returns s as patterns see it: without the characters that nobody can
// see, in Unicode's normal form NFKC, and in valid UTF-8. So "ra\u200bcism" and
// the full-width "ｒａｃｉｓｍ" read like the word that they show.
func clean(s string) string {
	return norm.NFKC.String(strings.Map(visible, s))
}

// visible maps characters without a glyph to -1, which removes them, and those
// that show as a gap to a space.
func visible(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case r == '\u115f', r == '\u3164', r == '\uffa0':
		// The Hangul fillers are letters to Unicode and blank to the eye.
		return ' '
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		// Cf has the zero-width characters, the soft hyphen and the marks of
		// writing direction; the last table has the combining grapheme joiner.
		return -1
	}
	return r
}

// fold returns a cleaned text without the difference of upper and lower case.
// It is normalised again because folding can take a text out of NFKC.
func fold(cleaned string) string {
	// A Caser may hold state, so each call has its own.
	return norm.NFKC.String(cases.Fold().String(cleaned))
}

// splitWords returns the words of a folded text: the longest runs of letters,
// digits and marks. A mark that stands on no letter or digit belongs to what is
// before it and begins no word: NFKC makes a space and a mark of an accent used
// as a quotation mark (´), and the word behind that must be found.
func splitWords(folded string) []string {
	var words []string
	start := -1
	for i, r := range folded {
		switch {
		case start < 0 && isWordStart(r):
			start = i
		case start >= 0 && !isWordRune(r):
			words = append(words, folded[start:i])
			start = -1
		}
	}
	if start >= 0 {
		words = append(words, folded[start:])
	}
	return words
}

func isWordStart(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func isWordRune(r rune) bool { return isWordStart(r) || unicode.IsMark(r) }

// spoken returns the words of a folded text as they are compared: without marks
// that belong to no letter, as in "r̶a̶c̶i̶s̶m".
func spoken(folded string) []string {
	words := splitWords(folded)
	for i, w := range words {
		words[i] = unmarked(w)
	}
	return words
}

// bare returns the words without any mark on a letter, accents included, so that
// "râcism" reads like the word that it is to be taken for; nil if that changes
// nothing. A listed word with accents does not match one without.
func bare(words []string) []string {
	var out []string
	for i, w := range words {
		if b := norm.NFC.String(unmarked(norm.NFD.String(w))); b != w {
			if out == nil {
				out = slices.Clone(words)
			}
			out[i] = b
		}
	}
	return out
}

// unmarked removes the marks that stand on their own behind a letter of a script
// in which letters with marks are letters to Unicode; in others, such as
// Devanagari, marks are what vowels are written with.
func unmarked(word string) string {
	marked := false
	for i := 0; i < len(word) && !marked; i++ {
		marked = word[i] >= 0x80
	}
	if !marked {
		return word
	}
	alphabetic := false
	return strings.Map(func(r rune) rune {
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			alphabetic = unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Nd)
		} else if alphabetic {
			return -1
		}
		return r
	}, word)
}

// wordTree is a tree of words: the path from the root to a node spells a listed
// word or the beginning of a phrase.
type wordTree struct {
	next map[string]*wordTree
	// rule is the index of the first rule that lists the path to this node
	// plus one, 0 when none does.
	rule int
}

// add makes rule the owner of the phrase unless an earlier rule lists it too.
func (t *wordTree) add(phrase []string, rule int) {
	for _, w := range phrase {
		if t.next == nil {
			t.next = map[string]*wordTree{}
		}
		if t.next[w] == nil {
			t.next[w] = &wordTree{}
		}
		t = t.next[w]
	}
	if t.rule == 0 {
		t.rule = rule + 1
	}
}

// search adds what is listed and occurs in a folded text to found. doubt says why
// a match in this text may only hold the comment, "" if it may do more.
func (t *wordTree) search(folded, doubt string, found matches) {
	words := spoken(folded)
	t.walk(words, doubt, found)
	t.walk(bare(words), doubt, found)
}

// walk adds what occurs in words.
func (t *wordTree) walk(words []string, doubt string, found matches) {
	for i := range words {
		node := t
		for n, w := range words[i:] {
			node = node.next[w]
			if node == nil {
				break
			}
			if node.rule > 0 {
				found.add(node.rule-1, match{entry: strings.Join(words[i:i+n+1], " "), doubt: doubt})
			}
		}
	}
}

// compile returns the expression and the number of its steps: matching takes
// time in proportion to it, and repeats make many of few characters.
func compile(pattern string) (*regexp.Regexp, int, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, 0, patternError(err)
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, 0, patternError(err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, 0, patternError(err)
	}
	return re, len(program.Inst), nil
}

// patternError says what is wrong with a pattern in one line, which the
// library's own text is not when the pattern has more.
func patternError(err error) error {
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Errorf("%s at %q", e.Code, e.Expr)
	}
	return err
}
