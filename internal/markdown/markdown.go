// Package markdown says what a reader sees of a Markdown text, and where its links
// lead, as the web app renders it: CommonMark with GFM and footnotes, every line
// break a break, and HTML written out as text.
//
// [Read] works in time and memory in proportion to the text. A text with more
// markup than people write is beyond it, and the reading says so.
package markdown

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Reading is what a reader sees of a text.
type Reading struct {
	// Visible holds the text without its markup. There are two of them where
	// footnotes have numbers: the second has none, so that "ra[^1]cism" reads "racism".
	// The text of an image is its alternative text, as in the web app. What a hover
	// shows (the title of a link) follows at the end. There is none if the text has
	// no markup, and reads as it is written.
	Visible []string
	// Stripped is the source with its markup, escapes and character references
	// removed wherever they stand. Another parser may see a word there that Visible
	// does not have, so it is good for a suspicion only. It is "" without markup.
	Stripped string
	// Targets are the links of the text, one for each.
	Targets []Target
	// Suspected are links to other hosts, found in Stripped and in the source.
	Suspected []Target
	// TooComplex says that the text has more markup than is read; then nothing else is set.
	TooComplex bool
}

// Target is where a link leads.
type Target struct {
	// URL is the address as the text has it, with its character references resolved.
	URL string
	// Hosts are the hosts to which a browser may go, in the form of [Host]. A link has
	// several where a mail has many recipients, or where it is not clear where it ends.
	// It is empty if the address has no host.
	Hosts []string
	// Shown is false for a link that has nothing to see, such as "[](https://a.example)".
	Shown bool
}

// Read returns what a reader sees of a Markdown text.
func Read(source string) Reading {
	source = strings.ToValidUTF8(source, string(utf8.RuneError))
	if strings.Contains(source, "\r") {
		source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	}
	if isPlain(source) {
		return Reading{}
	}
	if isTooComplex(source) {
		return Reading{TooComplex: true}
	}
	page, err := render([]byte(source))
	if err != nil {
		return Reading{TooComplex: true}
	}
	budget := maxAuthorities
	seen := look(page, &budget)
	if budget < 0 {
		return Reading{TooComplex: true}
	}
	r := Reading{Visible: seen.texts(), Targets: seen.targets, Stripped: strip(source)}
	if strings.Contains(source, "&") {
		r.Suspected = seen.maybe.extra
	}
	r.suspect(seen.maybe.split)
	for _, text := range []string{r.Stripped, source} { // not every parser resolves the references of an address
		r.suspect(findTargets(text, &budget).sure)
	}
	if budget < 0 {
		return Reading{TooComplex: true}
	}
	return r
}

// suspect adds the links that lead to a host that is not known yet.
func (r *Reading) suspect(targets []Target) {
	known := map[string]bool{}
	for _, target := range append(r.Targets, r.Suspected...) {
		for _, host := range target.Hosts {
			known[host] = true
		}
	}
	for _, target := range targets {
		if slices.ContainsFunc(target.Hosts, func(host string) bool { return !known[host] }) {
			r.Suspected = append(r.Suspected, target)
		}
	}
}

// isPlain reports whether a text reads as it is written: it has no character that
// Markdown gives a meaning to, at the place where it does.
func isPlain(source string) bool {
	if strings.ContainsAny(source, "&\\<>[]*_~`|@\t\x00") || strings.Contains(source, "://") || containsWWW(source) {
		return false
	}
	for line := range strings.Lines(source) {
		if hasBlockMarkup(line) {
			return false
		}
	}
	return true
}

// containsWWW reports whether "www." occurs, in any case.
func containsWWW(source string) bool {
	for rest := source; ; {
		i := strings.IndexByte(rest, '.')
		if i < 0 {
			return false
		}
		if i >= 3 && strings.EqualFold(rest[i-3:i], "www") {
			return true
		}
		rest = rest[i+1:]
	}
}

// hasBlockMarkup reports whether a line may begin with markup: of a heading, a list,
// a quotation, a rule or code.
func hasBlockMarkup(line string) bool {
	rest := strings.TrimLeft(line, " ")
	if len(line)-len(rest) >= 4 || rest == "" {
		return rest != ""
	}
	return strings.IndexByte("#+-=:0123456789", rest[0]) >= 0
}

// What a text may have at most, so that reading it takes some tens of milliseconds
// at worst. The web app has limits of its own, beyond which it shows the source.
const (
	maxBytes        = 32 << 10 // a comment has up to 5,000 characters
	maxDepth        = 100      // quotations and lists that begin in one line
	maxBrackets     = 1_000    // "[" in all
	maxCells        = 20_000   // of tables: each row is filled up to the widest
	maxDestinations = 256 << 10
	maxAuthorities  = 256 << 10
	maxPage         = 2 << 20
)

// isTooComplex reports whether a text has more markup than is read.
func isTooComplex(source string) bool {
	if len(source) > maxBytes || strings.Count(source, "[") > maxBrackets {
		return true
	}
	lines, widest := 0, 0
	for line := range strings.Lines(source) {
		if depth(line) > maxDepth {
			return true
		}
		lines++
		widest = max(widest, strings.Count(line, "|"))
	}
	return lines*widest > maxCells
}

// depth returns how many quotations and lists may begin at the start of a line.
func depth(line string) int {
	n := 0
	for {
		line = strings.TrimLeft(line, " \t")
		digits := len(line) - len(strings.TrimLeft(line, "0123456789"))
		switch {
		case line == "":
			return n
		case line[0] == '>':
			line = line[1:]
		case digits == 0 && strings.IndexByte("*+-", line[0]) >= 0 && isGap(line[1:]):
			line = line[1:]
		case digits > 0 && digits < len(line) && strings.IndexByte(".)", line[digits]) >= 0 && isGap(line[digits+1:]):
			line = line[digits+1:]
		default:
			return n
		}
		n++
	}
}

func isGap(rest string) bool { return rest == "" || strings.IndexByte(" \t\n", rest[0]) >= 0 }
