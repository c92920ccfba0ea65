package moderator

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

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
	if r < 0x80 {
		return r
	}
	switch c, _ := chars().of(r); c {
	case classBlank:
		return ' '
	case classInvisible:
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

// capitalI stands for the capital letter I in a text that is searched for words:
// in Turkish it is the capital of ı and elsewhere of i. It is a letter that no
// language uses, and folding leaves it as it is.
const capitalI = '\ua7f7'

// foldWords is fold for a text that is searched for words.
func foldWords(cleaned string) string {
	return fold(strings.ReplaceAll(cleaned, "I", string(capitalI)))
}

// withoutMarks returns a folded text without any mark on a letter, accents
// included, so that "râcism" reads like the word that it is to be taken for.
// Marks stay where vowels are written with them, as in Devanagari.
func withoutMarks(folded string) string {
	t := chars()
	if !t.mayHaveMarks(folded) {
		return folded
	}
	alphabetic := false
	return norm.NFC.String(strings.Map(func(r rune) rune {
		switch c, s := t.of(r); {
		case c != classMark:
			alphabetic = c == classDigit || t.alphabetic[s]
		case alphabetic:
			return -1
		}
		return r
	}, norm.NFD.String(folded)))
}

// mayHaveMarks reports whether a letter of an alphabetic script may have a mark.
// To normalise a text costs more than to look.
func (t *charTable) mayHaveMarks(folded string) bool {
	alphabetic := false
	for _, r := range folded {
		c, s := t.of(r)
		if c == classMark && alphabetic || r >= 0x80 && t.alphabetic[s] && r != capitalI {
			return true
		}
		alphabetic = c == classDigit || t.alphabetic[s]
	}
	return false
}

func isWordRune(r rune) bool {
	c, _ := chars().of(r)
	return c == classLetter || c == classDigit || c == classMark
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
