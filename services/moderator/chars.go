package moderator

import (
	"maps"
	"slices"
	"sync"
	"unicode"
)

// class says what a character is in a text that is searched for words.
type class uint8

const (
	classGap       class = iota // white space, controls, and what is not assigned
	classLetter                 // letters and numbers that are written as letters
	classDigit                  // decimal digits
	classMark                   // marks on letters, and the vowels of many scripts
	classSign                   // punctuation and symbols
	classInvisible              // has no glyph
	classBlank                  // has a glyph that is empty
)

// script is the number of a script; 0 is for characters that several scripts use.
type script uint8

// charTable answers what a character is without a search through range tables,
// which would cost most of the time of a verdict.
type charTable struct {
	class    [tableSize]class
	script   [tableSize]script
	unspaced [256]bool // scripts that put no spaces between words
	// alphabetic are scripts in which letters with marks are letters to Unicode.
	alphabetic  [256]bool
	hangul, han script
}

// tableSize covers the two planes that have almost every script.
const tableSize = 0x20000

// chars returns the only table, which never changes.
var chars = sync.OnceValue(newCharTable)

func newCharTable() *charTable {
	t := &charTable{}
	set := func(table *unicode.RangeTable, c class) {
		eachRune(table, func(r rune) { t.class[r] = c })
	}
	for _, table := range []*unicode.RangeTable{unicode.L, unicode.Nl} {
		set(table, classLetter)
	}
	set(unicode.Nd, classDigit)
	set(unicode.M, classMark)
	for _, table := range []*unicode.RangeTable{unicode.P, unicode.S, unicode.No} {
		set(table, classSign)
	}
	// Cf has the zero-width characters, the soft hyphen and the marks of writing
	// direction, the last table the combining grapheme joiner.
	for _, table := range []*unicode.RangeTable{unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point} {
		set(table, classInvisible)
	}
	// The Hangul fillers are letters to Unicode and blank to the eye, and so is
	// the Braille pattern without dots.
	for _, r := range []rune{'\u115f', '\u3164', '\uffa0', '\u2800'} {
		t.class[r] = classBlank
	}
	t.class['\u30fb'] = classGap // the dot between words in Katakana
	for i, name := range slices.Sorted(maps.Keys(unicode.Scripts)) {
		id := script(i + 1)
		if name == "Common" || name == "Inherited" {
			continue
		}
		eachRune(unicode.Scripts[name], func(r rune) { t.script[r] = id })
	}
	for _, r := range "漢あア\u3105กກក\u1000\u1950\u1980\u1a20\uaa80\ua000" {
		t.unspaced[t.script[r]] = true
	}
	for _, r := range "aαа" {
		t.alphabetic[t.script[r]] = true
	}
	t.hangul, t.han = t.script['가'], t.script['漢']
	return t
}

// eachRune calls do with each character of the table that a charTable has.
func eachRune(table *unicode.RangeTable, do func(rune)) {
	for _, r16 := range table.R16 {
		for r := rune(r16.Lo); r <= rune(r16.Hi); r += rune(r16.Stride) {
			do(r)
		}
	}
	for _, r32 := range table.R32 {
		for r := rune(r32.Lo); r <= min(rune(r32.Hi), tableSize-1); r += rune(r32.Stride) { //nolint:gosec // no character is above 0x10ffff
			do(r)
		}
	}
}

// of returns what a character is and whose script it belongs to.
func (t *charTable) of(r rune) (class, script) {
	if r < tableSize && r >= 0 {
		return t.class[r], t.script[r]
	}
	switch {
	case unicode.Is(unicode.Han, r):
		return classLetter, t.han
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return classInvisible, 0
	}
	return classGap, 0
}
