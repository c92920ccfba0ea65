package moderator

import (
	"net/url"
	"strings"
	"unicode"
)

// countLinks counts the places in a folded text where a link begins: "http://",
// "https://" or "www." at the start of a word. "https://www." is one link.
func countLinks(folded string) int {
	n := 0
	eachLink(folded, func(string) { n++ })
	return n
}

// linkHosts returns the hosts that the links of a folded text lead to, without
// "www." before them.
func linkHosts(folded string) []string {
	var hosts []string
	eachLink(folded, func(rest string) { hosts = append(hosts, hostOf(rest)) })
	return hosts
}

// eachLink calls found with what follows the beginning of each link.
func eachLink(folded string, found func(rest string)) {
	end, inWord := 0, false
	for i, r := range folded {
		if n := linkPrefix(folded[i:]); n > 0 && !inWord && i >= end {
			end = i + n
			found(folded[end:])
		}
		inWord = isWordRune(r)
	}
}

// mayLink reports whether a cleaned text may have a link. It is quick, and most
// texts have none.
func mayLink(cleaned string) bool {
	return strings.Contains(cleaned, "://") || strings.Contains(strings.ToLower(cleaned), "www.")
}

// linkPrefix returns the length of the beginning of a link with which s starts,
// and 0 when it starts with none.
func linkPrefix(s string) int {
	rest, https := strings.CutPrefix(s, "https://")
	rest, http := strings.CutPrefix(rest, "http://")
	rest, www := strings.CutPrefix(rest, "www.")
	if !https && !http && !www {
		return 0
	}
	return len(s) - len(rest)
}

// maxHost bounds what is looked at of one link: no name of a host is longer
// (RFC 1035, section 2.3.4), but a user's name may stand before it.
const maxHost = 1000

// hostOf returns the host with which the rest of a link begins, as a browser reads
// it: behind a user's name, before a port, a path, a query or a backslash, with
// escapes resolved and without a dot at the end. It is "" if there is none.
func hostOf(rest string) string {
	if len(rest) > maxHost {
		rest = rest[:maxHost]
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`/\?#"<>()[]{},;!'`, r)
	})
	if end >= 0 {
		rest = rest[:end]
	}
	if plain, err := url.PathUnescape(rest); err == nil && plain != rest {
		rest = fold(clean(plain))
	}
	rest = strings.ReplaceAll(rest, "\u3002", ".") // IDNA takes the ideographic full stop for a dot
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	rest, _, _ = strings.Cut(rest, ":")
	return strings.TrimPrefix(strings.Trim(rest, "."), "www.")
}
