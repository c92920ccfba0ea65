package markdown

import (
	"html"
	"strings"
)

// strip removes what may be markup from a source, wherever it stands: character
// references and escapes are resolved, marks of emphasis and code are dropped, and
// so is what a link has beside its text. That follows at the end, since a word may
// hide there too. So does the text with the labels of references and footnotes in
// their place, which they are if there is no definition for them.
func strip(source string) string {
	s := html.UnescapeString(source)
	closing := pairs(s)
	text, dropped := stripped(s, closing, true)
	if labeled, _ := stripped(s, closing, false); labeled != text {
		return text + dropped + "\n" + labeled
	}
	return text + dropped
}

// stripped returns a text without markup, and a line for each part of a link that
// it has dropped.
func stripped(s string, closing []int, labels bool) (text, dropped string) {
	var kept, rest strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && isPunctuation(s[i+1]):
			i++
			kept.WriteByte(s[i])
		case isDropped(s, i, closing, labels):
			open := i
			if c == ']' {
				open++
			}
			rest.WriteByte('\n')
			rest.WriteString(s[open+1 : closing[open]])
			i = closing[open]
		case c == '!' && i+1 < len(s) && s[i+1] == '[', strings.IndexByte("*_~`[]", c) >= 0:
		default:
			kept.WriteByte(c)
		}
	}
	return kept.String(), rest.String()
}

// isDropped reports whether something that does not show begins at i: "](address)"
// or, with labels, "][label]" and "[^label]".
func isDropped(s string, i int, closing []int, labels bool) bool {
	if i+1 >= len(s) {
		return false
	}
	switch s[i : i+2] {
	case "](":
		return closing[i+1] > 0
	case "][":
		return labels && closing[i+1] > 0
	case "[^":
		return labels && closing[i] > 0
	}
	return false
}

// pairs returns for each "(" and "[" the index of what closes it, 0 if nothing does.
func pairs(s string) []int {
	closing := make([]int, len(s))
	var round, square []int
	for i := range len(s) {
		switch s[i] {
		case '\\':
		case '(':
			round = append(round, i)
		case '[':
			square = append(square, i)
		case ')':
			round = closeLast(round, closing, i)
		case ']':
			square = closeLast(square, closing, i)
		}
	}
	return closing
}

func closeLast(open, closing []int, at int) []int {
	if len(open) == 0 {
		return open
	}
	closing[open[len(open)-1]] = at
	return open[:len(open)-1]
}

func isPunctuation(c byte) bool {
	return c > ' ' && c < 0x7f && (c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z')
}
