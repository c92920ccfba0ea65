package markdown

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// linked is what the web app makes a link of: anything else leads nowhere.
var linked = regexp.MustCompile(`(?i)^(https?|mailto):`)

func isLink(address string) bool { return linked.MatchString(address) }

// hasScheme reports whether an address begins with a scheme, and so is not relative.
func hasScheme(address string) bool {
	i := strings.IndexAny(address, ":/?#")
	return i >= 0 && address[i] == ':'
}

// targetOf returns where a link with this address leads.
func targetOf(address string) Target {
	t := Target{URL: address}
	if len(address) >= 7 && strings.EqualFold(address[:7], "mailto:") {
		if plain, err := url.PathUnescape(address); err == nil {
			address = plain
		}
		for _, m := range mail.FindAllStringSubmatch(address, -1) {
			t.addHost(Host(m[1]))
		}
		return t
	}
	t.addHost(hostIn(address))
	if plain, err := url.PathUnescape(address); err == nil && t.Hosts == nil {
		t.addHost(hostIn(plain)) // "https:%5Cx" is "https:\\x" in another renderer
	}
	return t
}

// hostIn returns the host of an address as a browser reads it, "" if there is none.
func hostIn(address string) string {
	u, err := whatwg.Parse(address)
	if err != nil {
		return ""
	}
	return tidyHost(u.Hostname())
}

// addHost adds a host that there may be. A name with other signs is none: no browser
// finds it.
func (t *Target) addHost(host string) {
	if !slices.Contains(t.Hosts, host) && hostName.MatchString(host) {
		t.Hosts = append(t.Hosts, host)
	}
}

// Host returns the name of a host in the one form in which hosts are compared: in
// lower case and ASCII ("xn--…"), an IPv4 address in decimal, without a dot at the
// end. A name that a browser does not take is returned in lower case.
func Host(name string) string {
	if host := hostIn("https://" + name); host != "" {
		return host
	}
	return tidyHost(strings.ToLower(name))
}

func tidyHost(host string) string { return strings.TrimRight(host, ".") }

var (
	// address begins what the web app makes a link of in a text, in any case.
	address = regexp.MustCompile(`(?i)https?://|www\.`)
	// next begins another address behind one that ends before its path.
	next = regexp.MustCompile(`(?i)https?:$|www\.`)
	// mail is an address of mail from its "@" on. What is before that may be a part of
	// another address, as in "a@b.example@c.example".
	mail = regexp.MustCompile(`(?i)@([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)`)
	// hostName is a name or an address in the form of Host.
	hostName = regexp.MustCompile(`^(?:[a-z0-9._-]+|\[[0-9a-f:]+\])$`)
	// domain is what every parser takes for the name of a host.
	domain = regexp.MustCompile(`(?i)^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+`)
)

// found are the links that may be made of the addresses in a text.
type found struct {
	sure []Target
	// extra are more links if a parser splits what looks like one address, as it does
	// where a part of it is written with character references.
	extra []Target
	// split are the hosts of the sure ones in that case.
	split []Target
}

func (f *found) add(more found) {
	f.sure, f.extra, f.split = append(f.sure, more.sure...), append(f.extra, more.extra...), append(f.split, more.split...)
}

// findTargets finds the addresses in a text of which a parser may make links. It
// takes every place at which one may begin. The bytes that it looks at, some of them
// more than once, reduce the budget; when that is negative the answer is not complete.
func findTargets(text string, budget *int) found {
	var f found
	var whole [][2]int // addresses that are one link if they are not split
	joined := -1       // where "www." belongs to the "https://" before it
	hosts := hostsOfAuthorities{}
	for _, at := range address.FindAllStringIndex(text, -1) {
		isWWW := text[at[1]-1] == '.'
		if isWWW && at[0] == joined {
			continue
		}
		run := text[at[1]:]
		if isWWW {
			run = text[at[0]:]
		}
		if end := strings.IndexFunc(run, isAddressEnd); end >= 0 {
			run = run[:end]
		}
		if *budget -= len(run); *budget < 0 {
			return f
		}
		if !mayBegin(text, at[0]) {
			f.extra = append(f.extra, hosts.target(run))
			continue
		}
		if !isWWW {
			joined = at[1]
		}
		f.sure = append(f.sure, hosts.target(run))
		f.split = append(f.split, Target{URL: run, Hosts: hosts.split(run), Shown: true})
		if !isWWW && domain.MatchString(run) && (len(whole) == 0 || at[0] >= whole[len(whole)-1][1]) {
			whole = append(whole, [2]int{at[0], wordEnd(text, at[1])})
		}
	}
	f.add(findMails(text, whole))
	return f
}

// findMails finds the addresses of mail in a text. In one of the addresses that are
// whole they are links only if that is split.
func findMails(text string, whole [][2]int) found {
	var f found
	for _, at := range mail.FindAllStringSubmatchIndex(text, -1) {
		for len(whole) > 0 && whole[0][1] <= at[0] {
			whole = whole[1:]
		}
		if at[0] == 0 || !isMailName(text[at[0]-1]) {
			continue
		}
		target := Target{URL: "mailto:" + text[at[0]:at[1]], Hosts: []string{Host(text[at[2]:at[3]])}, Shown: true}
		if len(whole) > 0 && at[0] >= whole[0][0] {
			f.extra = append(f.extra, target)
		} else {
			f.sure = append(f.sure, target)
		}
	}
	return f
}

// isMailName reports whether c may stand in an address of mail before the "@".
func isMailName(c byte) bool {
	return strings.IndexByte(".+-_", c) >= 0 || c < 0x80 && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)))
}

// wordEnd returns where the word that begins before at ends.
func wordEnd(text string, at int) int {
	if i := strings.IndexAny(text[at:], " \t\r\n"); i >= 0 {
		return at + i
	}
	return len(text)
}

// hostsOfAuthorities remembers where authorities lead, since several ways to end an
// address often give the same one, and a long one is costly to parse.
type hostsOfAuthorities map[string][]string

func (h hostsOfAuthorities) of(authority string) []string {
	hosts, known := h[authority]
	if !known {
		hosts = targetOf("https://" + authority).Hosts
		h[authority] = hosts
	}
	return hosts
}

// target returns where an address leads that was found in a text, up to its path.
func (h hostsOfAuthorities) target(run string) Target {
	t := Target{URL: "https://" + run, Shown: true}
	whole := strings.TrimRight(run, "!\"&'),.:;<>?]}")
	for _, one := range []string{whole, whole[:cut(whole)]} {
		for _, name := range h.of(one) {
			t.addHost(name)
		}
	}
	return t
}

// split returns the hosts of an address if a parser ends it sooner: where
// another address or an address of mail begins, or behind the letters of ASCII.
func (h hostsOfAuthorities) split(run string) []string {
	var t Target
	ends := []int{len(domain.FindString(run))}
	if next := next.FindStringIndex(run[min(1, len(run)):]); next != nil {
		ends = append(ends, next[0]+1)
	}
	if at := strings.LastIndexByte(run, '@'); at >= 0 {
		for at > 0 && isMailName(run[at-1]) {
			at--
		}
		ends = append(ends, at)
	}
	for _, end := range ends {
		for _, name := range h.of(run[:end]) {
			t.addHost(name)
		}
	}
	return t.Hosts
}

// cut returns where an address ends at the latest if it is followed by a tag or
// something else that is not part of a name.
func cut(found string) int {
	if i := strings.IndexAny(found, "<>()[]{}|\"^`"); i >= 0 {
		return i
	}
	return len(found)
}

// mayBegin reports whether an address may begin at this place: "http" not within a
// word of ASCII letters, and "www." not within any word.
func mayBegin(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	if at == 0 {
		return true
	}
	if text[at] == 'h' || text[at] == 'H' {
		return before >= 0x80 || !unicode.IsLetter(before)
	}
	return !unicode.IsLetter(before) && !unicode.IsDigit(before)
}

func isAddressEnd(r rune) bool { return strings.ContainsRune("/\\?# \t\r\n", r) }
