package moderator

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"golang.org/x/text/unicode/norm"
)

// warn notes what is to be warned about in a list of words.
func (p *ruleParser) warn(list ast.Node, words []string) {
	nodes, ok := list.(*ast.SequenceNode)
	if !ok {
		return
	}
	for i, w := range words {
		e, err := newEntry(w, 0)
		if err != nil {
			continue
		}
		if reason := e.warning(); reason != "" {
			p.rules.warnings = append(p.rules.warnings, Mistake{Line: line(nodes.Values[i]), Entry: w, Reason: reason})
		}
	}
}

// warning says how the entry does not mean what it seems to, "" if it does.
func (e *entry) warning() string {
	var all []string
	if lost := e.lost(); lost != "" {
		all = append(all, "it loses "+lost)
	}
	letters := strings.ReplaceAll(only(isWordRune, string(e.chars)), string(capitalI), "i")
	shown := only(isShown, norm.NFC.String(strings.Trim(e.listed, firmMark+prefixMark)))
	n := utf8.RuneCountInString(letters)
	switch {
	case only(unicode.IsDigit, letters) == letters && letters != "" && letters != shown:
		all = append(all, "it becomes the number "+letters)
	case n > 0 && n <= 2 && n < utf8.RuneCountInString(shown) && only(isUnspaced, letters) == "":
		all = append(all, fmt.Sprintf("it shrinks to %q", letters))
	}
	if e.signs && letters != "" && (len(all) > 0 || isSign(e.chars[0]) || isSign(e.chars[len(e.chars)-1])) {
		all = append(all, "it is found only with the signs that it has")
	}
	if e.single && !e.prefix {
		all = append(all, fmt.Sprintf("it is one character, found only where none of its script is beside it; %s%s is found anywhere", e.listed, prefixMark))
	}
	if e.firm && !e.particles && only(isUnspaced, letters) == "" {
		all = append(all, fmt.Sprintf("%q is a mark of the entry, which makes no difference in this script", firmMark))
	}
	return strings.Join(all, "; ")
}

// only returns the characters of s that are of a kind.
func only(kind func(rune) bool, s string) string {
	return strings.Map(func(r rune) rune {
		if kind(r) {
			return r
		}
		return -1
	}, s)
}

// isShown reports whether a character of an entry may be seen.
func isShown(r rune) bool {
	c, _ := chars().of(r)
	return c != classGap && c != classBlank && c != classInvisible
}

// lost names the characters of an entry that no text is compared with. Joiners are
// not lost: nothing is meant by them but the form of letters.
func (e *entry) lost() string {
	t := chars()
	var names []string
	add := func(r rune) {
		if name := fmt.Sprintf("%U", r); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	alphabetic, inWord := false, false
	for _, r := range norm.NFC.String(e.listed) {
		c, s := t.of(r)
		switch c {
		case classInvisible:
			if r != '\u200c' && r != '\u200d' && !unicode.Is(unicode.Variation_Selector, r) {
				add(r)
			}
		case classMark:
			if alphabetic || !inWord {
				add(r)
			}
		case classGap, classBlank:
			if !unicode.IsSpace(r) && r != '\u30fb' {
				add(r)
			}
			inWord, alphabetic = false, false
		default:
			inWord, alphabetic = c != classSign, c == classDigit || t.alphabetic[s]
		}
	}
	return strings.Join(names, ", ")
}
