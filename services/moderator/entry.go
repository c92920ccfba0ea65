package moderator

import (
	"errors"
	"strings"
	"unicode"
)

// entry is a listed word or phrase.
type entry struct {
	listed string // as the file has it
	rule   int    // the index of its rule
	chars  []rune // as a reading of a text has them
	signs  bool   // it has signs, which the text must have too
	prefix bool   // marked with *: a word that begins with it matches
	firm   bool   // marked with !: it needs no certainty
	// particles says that it ends in Hangul, where particles follow a noun without
	// a space: it may go on, but then it is not certain.
	particles bool
	// single says that it is one character of a script without spaces, which
	// occurs in many words: it must be a whole run.
	single bool
}

// The marks of an entry. Both may stand at its end, "!" at its beginning too.
const (
	firmMark   = "!"
	prefixMark = "*"
)

// newEntry reads an entry as it is listed.
func newEntry(listed string, rule int) (entry, error) {
	e := entry{listed: listed, rule: rule}
	text := strings.TrimSpace(clean(listed))
	for marked := true; marked; {
		var before string
		before, text = text, strings.TrimSpace(strings.TrimPrefix(strings.TrimSuffix(text, firmMark), firmMark))
		e.firm = e.firm || before != text
		rest, star := strings.CutSuffix(text, prefixMark)
		e.prefix = e.prefix || star
		marked = before != text || star
		text = strings.TrimSpace(rest)
	}
	folded := foldWords(text)
	e.chars = read(folded, true).trimmed()
	e.signs = strings.ContainsFunc(string(e.chars), isSign)
	if !e.signs {
		e.chars = read(folded, false).trimmed()
	}
	if !strings.ContainsFunc(string(e.chars), func(r rune) bool { return isWordRune(r) || r > unicode.MaxASCII && unicode.IsSymbol(r) }) {
		return e, errors.New("has no letter or digit")
	}
	t := chars()
	last := e.chars[len(e.chars)-1]
	e.particles = t.script[min(last, tableSize-1)] == t.hangul
	e.single = len(e.chars) == 1 && isUnspaced(last)
	return e, nil
}

func isSign(r rune) bool {
	c, _ := chars().of(r)
	return c == classSign
}

// fits reports whether the entry matches between these edges of a text, and
// whether that is certain.
func (e *entry) fits(start, end edge) (ok, certain bool) {
	switch {
	case e.prefix:
		end = edgeHard
	case e.single && min(start, end) < edgeSoft:
		return false, false
	case end == edgeNone && !e.particles:
		return false, false
	}
	return true, e.firm || min(start, end) == edgeHard
}
