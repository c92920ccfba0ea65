package moderator

// edge says how well a place between two characters separates words.
type edge uint8

const (
	// edgeNone is inside a word, or before a mark.
	edgeNone edge = iota
	// edgeInside is between two characters of a script without spaces: a word may
	// end there or not.
	edgeInside
	// edgeSoft is between two scripts without spaces, such as Han and Hiragana, or
	// between one and a digit: a word often ends there.
	edgeSoft
	// edgeHard is at a gap, a sign, or any other change of script.
	edgeHard
)

// reading is a text as it is searched for words: letters, digits and the marks
// that belong to them, with one space for whatever is between two words.
type reading struct {
	runes []rune
	// edges has the edge before each rune, and the one after the last.
	edges []edge
}

// read returns the reading of a folded text. With signs it keeps punctuation and
// symbols, and a space is white space only.
func read(folded string, signs bool) reading {
	t := chars()
	rd := reading{runes: make([]rune, 0, len(folded)), edges: make([]edge, 0, len(folded)+1)}
	var (
		last       class  // of the last rune
		lastScript script // the script of the word that the last rune belongs to
		alphabetic bool   // marks on the last letter are left out
	)
	for _, r := range folded {
		c, s := t.of(r)
		switch c {
		case classLetter, classDigit:
			if s == 0 && last == classLetter {
				s = lastScript // such as the long vowel mark of Katakana and Hiragana
			}
			rd.add(r, t.between(last, lastScript, c, s))
			last, lastScript, alphabetic = c, s, c == classDigit || t.alphabetic[s]
		case classMark:
			// A mark that stands on no letter begins no word: NFKC makes a space and
			// a mark of an accent used as a quotation mark, and the word behind that
			// must be found.
			if (last == classLetter || last == classDigit) && !alphabetic {
				rd.add(r, edgeNone)
			}
		case classSign:
			if signs {
				rd.addSign(signOf(r))
				last = classSign
				continue
			}
			fallthrough
		default:
			if last != classGap {
				rd.add(' ', edgeHard)
			}
			last = classGap
		}
	}
	rd.edges = append(rd.edges, edgeHard)
	return rd
}

func (rd *reading) add(r rune, before edge) {
	rd.runes, rd.edges = append(rd.runes, r), append(rd.edges, before)
}

// addSign adds a sign. Two equal signs belong together, so that the entry c+ is
// not found in c++. A picture such as an emoji stands for itself.
func (rd *reading) addSign(r rune) {
	before := edgeHard
	if n := len(rd.runes); n > 0 && rd.runes[n-1] == r && r < 0x2000 {
		before = edgeNone
	}
	rd.add(r, before)
}

// signOf makes signs equal that are written for each other.
func signOf(r rune) rune {
	switch r {
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2212', '\u058a', '\u05be', '\u30a0':
		return '-'
	case '\u2018', '\u2019', '\u201b', '\u2032':
		return '\''
	case '\u201c', '\u201d', '\u201f', '\u2033':
		return '"'
	}
	return r
}

// between returns the edge between two characters, the first of which is the last
// of a word unless it is a gap or a sign.
func (t *charTable) between(a class, as script, b class, bs script) edge {
	if a != classLetter && a != classDigit {
		return edgeHard
	}
	left, right := a == classLetter && t.unspaced[as], b == classLetter && t.unspaced[bs]
	switch {
	case a == classDigit || b == classDigit:
		if left || right {
			return edgeSoft
		}
		return edgeNone
	case as == bs && left:
		return edgeInside
	case as == bs || as == 0 || bs == 0:
		return edgeNone
	case left && right:
		return edgeSoft
	}
	return edgeHard
}
