package moderator

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/bidi"
)

// The marks that change the direction of a text without being seen.
const bidiMarks = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

// The levels of a text that is not embedded.
const (
	leftToRight = 0
	rightToLeft = 1
)

// maxBidiLevel is max_depth of the Unicode Bidirectional Algorithm (UAX #9).
const maxBidiLevel = 125

// inVisualOrder returns a text in the order in which its characters stand on the
// screen, in paragraphs of that level. Only the order of letters is exact: signs
// between two directions may stand on the wrong side.
func inVisualOrder(text string, level int) string {
	var b strings.Builder
	start := 0
	for i, r := range text {
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.B {
			b.WriteString(visualLine([]rune(text[start:i]), level))
			b.WriteRune('\n')
			start = i + len(string(r))
		}
	}
	b.WriteString(visualLine([]rune(text[start:]), level))
	return b.String()
}

// visualLine reorders one paragraph.
func visualLine(line []rune, level int) string {
	classes := make([]bidi.Class, len(line))
	for i, r := range line {
		p, _ := bidi.LookupRune(r)
		classes[i] = p.Class()
	}
	levels := explicitLevels(classes, level)
	resolveNeutrals(classes, levels)
	for i, c := range classes {
		switch odd := levels[i]%2 == 1; {
		case c == bidi.L && odd, isRightToLeft(c) && !odd:
			levels[i]++
		case isNumber(c):
			levels[i] += 2 - levels[i]%2
		}
	}
	// Rule L2: from the highest level down, reverse whatever is at it or above.
	if len(levels) == 0 {
		return ""
	}
	for at := slices.Max(levels); at > 0; at-- {
		for i := 0; i < len(line); i++ {
			start := i
			for i < len(line) && levels[i] >= at {
				i++
			}
			slices.Reverse(line[start:i])
			slices.Reverse(levels[start:i])
		}
	}
	return string(line)
}

func isRightToLeft(c bidi.Class) bool { return c == bidi.R || c == bidi.AL }

func isNumber(c bidi.Class) bool { return c == bidi.EN || c == bidi.AN }

// embedding is an entry of the stack of the rules X1 to X8.
type embedding struct {
	level    int
	override bidi.Class // L, R, or ON for none
	isolate  bool
}

// embeddings is the state of the rules X1 to X8.
type embeddings struct {
	stack                                []embedding
	tooManyIsolates, tooManyEmbeds, open int
}

func (e *embeddings) top() embedding { return e.stack[len(e.stack)-1] }

// explicitLevels returns the level of each character, and sets the class of those
// that are overridden.
func explicitLevels(classes []bidi.Class, level int) []int {
	levels := make([]int, len(classes))
	e := &embeddings{stack: []embedding{{level: level, override: bidi.ON}}}
	for i, c := range classes {
		switch c {
		case bidi.RLE, bidi.LRE, bidi.RLO, bidi.LRO:
			levels[i] = e.top().level
			e.embed(c)
			classes[i] = bidi.BN
		case bidi.RLI, bidi.LRI, bidi.FSI:
			levels[i], classes[i] = e.top().level, e.class(bidi.ON)
			if c == bidi.FSI {
				c = firstStrong(classes[i+1:])
			}
			e.isolate(c)
		case bidi.PDI:
			e.endIsolate()
			levels[i], classes[i] = e.top().level, e.class(bidi.ON)
		case bidi.PDF:
			levels[i] = e.top().level
			e.endEmbed()
			classes[i] = bidi.BN
		case bidi.BN:
			levels[i] = e.top().level
		default:
			levels[i], classes[i] = e.top().level, e.class(c)
		}
	}
	return levels
}

// class returns the class that a character of class c has here.
func (e *embeddings) class(c bidi.Class) bidi.Class {
	if o := e.top().override; o != bidi.ON {
		return o
	}
	return c
}

// next returns the next level for a direction, and whether there is room for it.
func (e *embeddings) next(odd bool) (level int, ok bool) {
	level = e.top().level + 1
	if odd != (level%2 == 1) {
		level++
	}
	return level, level <= maxBidiLevel && e.tooManyIsolates == 0 && e.tooManyEmbeds == 0
}

func (e *embeddings) embed(c bidi.Class) {
	level, ok := e.next(c == bidi.RLE || c == bidi.RLO)
	if !ok {
		if e.tooManyIsolates == 0 {
			e.tooManyEmbeds++
		}
		return
	}
	override := bidi.ON
	switch c {
	case bidi.RLO:
		override = bidi.R
	case bidi.LRO:
		override = bidi.L
	}
	e.stack = append(e.stack, embedding{level: level, override: override})
}

func (e *embeddings) isolate(c bidi.Class) {
	level, ok := e.next(c == bidi.RLI)
	if !ok {
		e.tooManyIsolates++
		return
	}
	e.open++
	e.stack = append(e.stack, embedding{level: level, override: bidi.ON, isolate: true})
}

func (e *embeddings) endIsolate() {
	switch {
	case e.tooManyIsolates > 0:
		e.tooManyIsolates--
	case e.open > 0:
		e.tooManyEmbeds = 0
		for !e.top().isolate {
			e.stack = e.stack[:len(e.stack)-1]
		}
		e.stack = e.stack[:len(e.stack)-1]
		e.open--
	}
}

func (e *embeddings) endEmbed() {
	switch {
	case e.tooManyIsolates > 0:
	case e.tooManyEmbeds > 0:
		e.tooManyEmbeds--
	case !e.top().isolate && len(e.stack) > 1:
		e.stack = e.stack[:len(e.stack)-1]
	}
}

// firstStrong returns the direction of the isolate that these classes begin.
func firstStrong(classes []bidi.Class) bidi.Class {
	depth := 0
	for _, c := range classes {
		switch {
		case c == bidi.RLI || c == bidi.LRI || c == bidi.FSI:
			depth++
		case c == bidi.PDI && depth == 0:
			return bidi.LRI
		case c == bidi.PDI:
			depth--
		case depth == 0 && isRightToLeft(c):
			return bidi.RLI
		case depth == 0 && c == bidi.L:
			return bidi.LRI
		}
	}
	return bidi.LRI
}

// resolveNeutrals gives numbers and what is between two letters of one direction
// that direction, within each run of one level (rules W7, N1 and N2).
func resolveNeutrals(classes []bidi.Class, levels []int) {
	for start := 0; start < len(classes); {
		end := start
		for end < len(classes) && levels[end] == levels[start] {
			end++
		}
		around := bidi.L
		if levels[start]%2 == 1 {
			around = bidi.R
		}
		strong, last := around, start // the last strong class, and the place behind it
		for i := start; i <= end; i++ {
			c := around
			if i < end {
				c = classes[i]
			}
			switch {
			case c == bidi.EN && strong == bidi.L:
				classes[i], c = bidi.L, bidi.L
			case i < end && c != bidi.L && !isRightToLeft(c) && !isNumber(c):
				continue
			}
			if c != bidi.L {
				c = bidi.R
			}
			between := around
			if c == strong {
				between = c
			}
			for ; last < i; last++ {
				classes[last] = between
			}
			last = i + 1
			if i < end && !isNumber(classes[i]) {
				strong = c
			}
		}
		start = end
	}
}
