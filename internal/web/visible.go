package web

import (
	"fmt"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

// isBlank reports whether a text shows nothing: it has only white space,
// characters without a glyph, and characters whose glyph is empty.
func isBlank(s string) bool {
	for _, r := range s {
		if isShown(r) {
			return false
		}
	}
	return true
}

// isShown reports whether a character puts anything on the screen.
func isShown(r rune) bool {
	switch {
	case unicode.IsSpace(r), unicode.IsControl(r):
		return false
	case r == '\u2800', r == '\U0001d159', r == '\U00016fe4':
		return false // the Braille pattern without dots, a null note head, a filler
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return true // format characters that are drawn, such as the Arabic number sign
	}
	// The last table has the Hangul fillers and the combining grapheme joiner.
	return !unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// Format characters.
const (
	zwsp, zwnj, zwj    = '\u200b', '\u200c', '\u200d'
	softHyphen         = '\u00ad'
	lre, rle, pdf      = '\u202a', '\u202b', '\u202c'
	lro, rlo           = '\u202d', '\u202e'
	lri, rli, fsi, pdi = '\u2066', '\u2067', '\u2068', '\u2069'
	lrm, rlm, alm      = '\u200e', '\u200f', '\u061c'
	firstTag, endTag   = '\U000e0020', '\U000e007f'
)

// misplaced says what is wrong with the first format character of a line that has
// no business where it is, and "" if there is none. Such characters make a title or
// a name look like another one, or turn round what follows it on the page.
func misplaced(s string) string {
	text := []rune(s)
	rightToLeft := containsRightToLeft(text)
	var open []rune // embeddings and isolates
	for i, r := range text {
		switch r {
		case lro, rlo:
			return fmt.Sprintf("must not have %U, which overrides the direction of writing", r)
		case lri, rli, fsi:
			open = append(open, r)
		case pdi:
			if open = closed(open, true); open == nil {
				return fmt.Sprintf("must not have %U, which ends an isolate, where none is open", r)
			}
		case lre, rle:
			if !rightToLeft {
				return notHere(r)
			}
			open = append(open, r)
		case pdf:
			if open = closed(open, false); open == nil {
				return fmt.Sprintf("must not have %U, which ends an embedding, where none is open", r)
			}
		case lrm, rlm, alm:
			if !rightToLeft {
				return notHere(r)
			}
		default:
			if unicode.Is(unicode.Cf, r) && !inPlace(text, i) {
				return notHere(r)
			}
		}
	}
	if len(open) > 0 {
		return fmt.Sprintf("must end the change of direction that %U begins", open[len(open)-1])
	}
	return ""
}

func notHere(r rune) string {
	return fmt.Sprintf("must not have the invisible character %U, which none of the characters beside it needs", r)
}

// closed returns what is still open after the end of an isolate, or of an embedding;
// nil if there is nothing to end. An isolate ends the embeddings in it, too.
func closed(open []rune, isolate bool) []rune {
	for n := len(open) - 1; n >= 0; n-- {
		isIsolate := open[n] >= lri
		if isIsolate == isolate {
			return append([]rune{}, open[:n]...)
		}
		if !isolate {
			return nil // an embedding cannot end outside the isolate it is in
		}
	}
	return nil
}

func containsRightToLeft(text []rune) bool {
	for _, r := range text {
		p, _ := bidi.LookupRune(r)
		if c := p.Class(); unicode.IsLetter(r) && (c == bidi.R || c == bidi.AL) {
			return true
		}
	}
	return false
}

// joining are the scripts whose letters join, where a zero width non-joiner keeps
// them apart (RFC 5892, appendix A.1).
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mandaic, unicode.Mongolian, unicode.Nko, unicode.Phags_Pa, unicode.Manichaean,
	unicode.Psalter_Pahlavi, unicode.Hanifi_Rohingya, unicode.Sogdian, unicode.Adlam, unicode.Chorasmian, unicode.Old_Uyghur,
}

// unspaced are scripts in which a zero width space says where a line may break.
var unspaced = []*unicode.RangeTable{
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Han, unicode.Hiragana, unicode.Katakana,
	unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet, unicode.Javanese, unicode.Balinese, unicode.Tibetan,
}

// inPlace reports whether the format character at i is where a language or an emoji
// needs it.
func inPlace(text []rune, i int) bool {
	r, before, after := text[i], neighbour(text, i, -1), neighbour(text, i, 1)
	beside := func(tables ...*unicode.RangeTable) bool {
		return unicode.In(before, tables...) || unicode.In(after, tables...)
	}
	switch {
	case r == zwnj:
		return besideVirama(text, i) || beside(joining...)
	case r == zwj:
		return besideVirama(text, i) || isPicture(before) && isPicture(after)
	case r == zwsp:
		return beside(unspaced...)
	case r == softHyphen:
		return unicode.IsLetter(before) && unicode.IsLetter(after)
	case r == '\u180e':
		return beside(unicode.Mongolian)
	case r >= firstTag && r <= endTag:
		return inTags(text, i)
	}
	return unicode.Is(unicode.Prepended_Concatenation_Mark, r) || beside(unicode.Egyptian_Hieroglyphs) && unicode.Is(unicode.Egyptian_Hieroglyphs, r)
}

// neighbour returns the character before (-1) or after (1) the one at i, marks and
// what changes the look of an emoji left out; 0 if there is none.
func neighbour(text []rune, i, step int) rune {
	for i += step; i >= 0 && i < len(text); i += step {
		if isTone := text[i] >= 0x1f3fb && text[i] <= 0x1f3ff; !unicode.IsMark(text[i]) && !isTone {
			return text[i]
		}
	}
	return 0
}

// besideVirama reports whether the character at i follows the sign that takes the
// vowel from a consonant (RFC 5892, appendix A.1 and A.2), or precedes one, as
// Bengali has it.
func besideVirama(text []rune, i int) bool {
	const virama = 9 // the canonical combining class
	is := func(i int) bool {
		return i >= 0 && i < len(text) && norm.NFD.PropertiesString(string(text[i])).CCC() == virama
	}
	return is(i-1) || is(i+1)
}

// isPicture reports whether an emoji may have the character.
func isPicture(r rune) bool { return r > 0x7f && unicode.In(r, unicode.So, unicode.Sm) }

// inTags reports whether the tag at i is in a run of tags that follows an emoji, as
// in the flag of Scotland, and ends as it must.
func inTags(text []rune, i int) bool {
	isTag := func(r rune) bool { return r >= firstTag && r <= endTag }
	first, last := i, i
	for first > 0 && isTag(text[first-1]) {
		first--
	}
	for last+1 < len(text) && isTag(text[last+1]) {
		last++
	}
	return text[last] == endTag && isPicture(neighbour(text, first, -1))
}
