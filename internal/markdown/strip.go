package markdown

import (
	"html"
	"strings"
)

// strip removes what may be markup from a source, wherever it stands: character
// references and escapes are resolved, marks of emphasis and code are dropped, and
// so is what a link has beside its text. That follows at the end, since a word may
// hide there too.
func strip(source string) string {
	s := html.UnescapeString(source)
	closing := pairs(s)
	var kept, dropped strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && isPunctuation(s[i+1]):
			i++
			kept.WriteByte(s[i])
		case c == ']' && i+1 < len(s) && closing[i+1] > 0, c == '[' && i+1 < len(s) && s[i+1] == '^' && closing[i] > 0:
			open := i
			if c == ']' {
				open++
			}
			dropped.WriteByte('\n')
			dropped.WriteString(s[open+1 : closing[open]])
			i = closing[open]
		case c == '!' && i+1 < len(s) && s[i+1] == '[', strings.IndexByte("*_~`[]", c) >= 0:
		default:
			kept.WriteByte(c)
		}
	}
	return kept.String() + dropped.String()
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
