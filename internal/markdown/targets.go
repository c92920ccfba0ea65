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

func (t *Target) addHost(host string) {
	if host != "" && !slices.Contains(t.Hosts, host) {
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
	// mail is an address of mail, from the last character before the "@".
	mail = regexp.MustCompile(`(?i)[a-z0-9._+-]@([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)`)
	// domain is what every parser takes for the name of a host.
	domain = regexp.MustCompile(`(?i)^[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+`)
)

// findTargets finds the addresses in a text of which a parser may make links. It
// takes every place at which one may begin. The bytes that it looks at, some of them
// more than once, reduce the budget; when that is negative the answer is not complete.
func findTargets(text string, budget *int) []Target {
	var targets []Target
	var taken [][2]int // where it is sure that the web app makes one link of all
	joined := -1       // where "www." belongs to the "https://" before it
	for _, at := range address.FindAllStringIndex(text, -1) {
		isWWW := text[at[1]-1] == '.'
		if isWWW && at[0] == joined || !mayBegin(text, at[0]) {
			continue
		}
		run := text[at[1]:]
		if isWWW {
			run = text[at[0]:]
		} else {
			joined = at[1]
		}
		if end := strings.IndexFunc(run, isAddressEnd); end >= 0 {
			run = run[:end]
		}
		if *budget -= len(run); *budget < 0 {
			return targets
		}
		targets = append(targets, textTarget("https://"+run))
		if !isWWW && domain.MatchString(run) && (len(taken) == 0 || at[0] >= taken[len(taken)-1][1]) {
			taken = append(taken, [2]int{at[0], wordEnd(text, at[1])})
		}
	}
	for _, at := range mail.FindAllStringSubmatchIndex(text, -1) {
		for len(taken) > 0 && taken[0][1] <= at[0] {
			taken = taken[1:]
		}
		if len(taken) == 0 || at[0] < taken[0][0] {
			targets = append(targets, Target{URL: "mailto:" + text[at[0]:at[1]], Hosts: []string{Host(text[at[2]:at[3]])}, Shown: true})
		}
	}
	return targets
}

// wordEnd returns where the word that begins before at ends.
func wordEnd(text string, at int) int {
	if i := strings.IndexAny(text[at:], " \t\r\n"); i >= 0 {
		return at + i
	}
	return len(text)
}

// textTarget returns where an address leads that was found in a text, up to its path.
func textTarget(found string) Target {
	t := Target{URL: found, Shown: true}
	whole := strings.TrimRight(found, "!\"&'),.:;<>?]}")
	for _, one := range []string{whole, whole[:cut(whole)]} {
		for _, host := range targetOf(one).Hosts {
			t.addHost(host)
		}
	}
	return t
}

// cut returns where an address ends at the latest if it is followed by a tag or
// something else that is not part of a name.
func cut(found string) int {
	if i := strings.IndexAny(found[len("https://"):], "<>()[]{}|\"^`"); i >= 0 {
		return len("https://") + i
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
