package moderator

import (
	"slices"
	"strings"
)

// inRun is the doubt about a match that is a part of a run of characters.
const inRun = "the word may be a part of other words there"

// wordList finds the words and phrases of all rules in a text at once: the time
// it takes depends on the text and on the longest entry, not on how many there are.
type wordList struct {
	entries []entry
	plain   wordTrie // entries without signs, looked for in a text without signs
	signed  wordTrie // the others, looked for in the text as it is
}

// wordTrie is a tree of the characters of words.
type wordTrie struct {
	// next has the node to which a character leads from another node. The root is 0.
	next map[step]int32
	// ends has the entries that end at a node, by their index.
	ends map[int32][]int32
	// dotless says that a listed word has the letter ı. Else a capital I is an i.
	dotless bool
}

type step struct {
	node int32
	char rune
}

// add adds an entry under its characters.
func (t *wordTrie) add(chars []rune, index int32) {
	if t.next == nil {
		t.next, t.ends = map[step]int32{}, map[int32][]int32{}
	}
	node := int32(0)
	for _, r := range chars {
		t.dotless = t.dotless || r == 'ı'
		next, ok := t.next[step{node, r}]
		if !ok {
			next = int32(len(t.next) + 1) //nolint:gosec // bounded by the size of a rules file
			t.next[step{node, r}] = next
		}
		node = next
	}
	if !slices.Contains(t.ends[node], index) {
		t.ends[node] = append(t.ends[node], index)
	}
}

// add adds an entry.
func (l *wordList) add(e entry) {
	index := int32(len(l.entries)) //nolint:gosec // there are at most maxWords
	l.entries = append(l.entries, e)
	trie := &l.plain
	if e.signs {
		trie = &l.signed
	}
	trie.add(e.chars, index)
	if joined := withoutGaps(e.chars); len(joined) < len(e.chars) {
		trie.add(joined, index)
	}
}

// search adds the entries that occur in a cleaned text to found. doubt says why a
// match in this text may only hold the comment, "" if it may do more.
func (l *wordList) search(cleaned, doubt string, found matches) {
	if len(l.entries) == 0 {
		return
	}
	folded := foldWords(cleaned)
	texts := []string{folded}
	if bare := withoutMarks(folded); bare != folded {
		texts = append(texts, bare)
	}
	for _, text := range texts {
		for _, trie := range []*wordTrie{&l.plain, &l.signed} {
			if len(trie.next) > 0 {
				s := search{list: l, trie: trie, text: read(text, trie == &l.signed), doubt: doubt, found: found}
				s.run()
			}
		}
	}
}

// search is one pass over a reading of a text.
type search struct {
	list  *wordList
	trie  *wordTrie
	text  reading
	doubt string
	found matches
	start int // where the match begins that is looked for
}

func (s *search) run() {
	for i := range s.text.runes {
		if s.text.edges[i] != edgeNone {
			s.start = i
			s.from(i, 0)
		}
	}
}

// from goes on at a character of the text and a node of the tree.
func (s *search) from(i int, node int32) {
	for ; i < len(s.text.runes); i++ {
		r := s.text.runes[i]
		if r == 'i' || r == 'ı' || r == capitalI {
			s.fork(i, node, r)
			return
		}
		next, ok := s.trie.next[step{node, r}]
		if !ok {
			return
		}
		node = next
		s.report(i+1, node)
	}
}

// fork goes on with every letter of the list that an i, an ı or an I of the text
// may stand for.
func (s *search) fork(i int, node int32, r rune) {
	letters := []rune{'i', 'ı', capitalI}
	switch {
	case r == 'ı':
		letters = letters[1:]
	case r == 'i' || !s.trie.dotless:
		letters = []rune{'i', capitalI}
	}
	for _, letter := range letters {
		if next, ok := s.trie.next[step{node, letter}]; ok {
			s.report(i+1, next)
			s.from(i+1, next)
		}
	}
}

// report notes the entries that end at a node, if the text there fits them.
func (s *search) report(end int, node int32) {
	for _, index := range s.trie.ends[node] {
		e := &s.list.entries[index]
		if ok, certain := e.fits(s.text.edges[s.start], s.text.edges[end]); ok {
			m := match{entry: e.listed, doubt: s.doubt}
			if m.doubt == "" && !certain {
				m.doubt = inRun
			}
			s.found.add(e.rule, m)
		}
	}
}

// withoutGaps returns the characters of an entry without the spaces beside a
// character of a script that has none.
func withoutGaps(chars []rune) []rune {
	unspaced := func(i int) bool { return isUnspaced(chars[i]) }
	var joined []rune
	for i, r := range chars {
		if r == ' ' && (unspaced(i-1) || unspaced(i+1)) {
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

func isUnspaced(r rune) bool {
	t := chars()
	c, s := t.of(r)
	return c == classLetter && t.unspaced[s]
}

// trimmed removes the gaps at both ends of a reading.
func (rd reading) trimmed() []rune {
	return []rune(strings.Trim(string(rd.runes), " "))
}
