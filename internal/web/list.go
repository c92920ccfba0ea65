package web

import (
	"bytes"
	"net/url"
	"unicode"
)

// AnswerBudget is how many bytes of JSON a list answer may have, before it is
// compressed. A list that does not fit has fewer elements than were asked for, and
// a link to the rest.
const AnswerBudget = 1 << 20

// AppendElements appends the JSON of elements, with commas between, to the list that
// begins in dst, as long as dst stays within budget bytes; the first element of a list
// always fits. It returns dst and how many elements were appended.
func AppendElements[T any](dst []byte, elements []T, budget int) ([]byte, int, error) {
	for i, e := range elements {
		text, err := marshal(e)
		if err != nil {
			return dst, i, err
		}
		first := len(dst) <= 1
		if !first && len(dst)+len(text)+2 > budget {
			return dst, i, nil
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, bytes.TrimSuffix(text, []byte("\n"))...)
	}
	return dst, len(elements), nil
}

// RenderList renders as many of the elements as fit into [AnswerBudget], but at least
// the first. more says that the list goes on behind them; where it does, or where not
// all fit, the answer links to the page behind the last element that it has, whose
// place is at(element). query is the request's own, as far as it matters.
func RenderList[T any](query url.Values, elements []T, more bool, at func(T) Cursor) (*Rendered, error) {
	body, n, err := AppendElements([]byte{'['}, elements, AnswerBudget)
	if err != nil {
		return nil, err
	}
	answer := RenderBody(jsonType, append(body, ']', '\n'))
	if n > 0 && (more || n < len(elements)) {
		answer.Next(query, "cursor", at(elements[n-1]).String())
	}
	return answer, nil
}

// Cut returns the beginning of text, at most n characters of it, and whether that is
// less than the whole. It does not part a letter from its marks, nor an emoji from
// what is joined to it.
func Cut(text string, n int) (string, bool) {
	if len(text) <= n {
		return text, false
	}
	var end, count int
	var last rune
	for i, r := range text {
		if count >= n && !joined(last, r) {
			return text[:i], true
		}
		if count >= n+maxJoined {
			return text[:end], true
		}
		if !joined(last, r) {
			end = i
		}
		last = r
		count++
	}
	return text, false
}

// maxJoined is how many marks behind its length a text keeps.
const maxJoined = 16

const zeroWidthJoiner = '\u200d'

// joined reports whether b is shown as one with the a before it.
func joined(a, b rune) bool {
	return a == zeroWidthJoiner || b == zeroWidthJoiner || unicode.Is(unicode.M, b) || unicode.Is(unicode.Variation_Selector, b) ||
		b >= 0x1f3fb && b <= 0x1f3ff // the tones of emoji
}
