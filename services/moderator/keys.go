package moderator

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// maxKeyLen bounds the key of an author or a network in a rule, in bytes.
const maxKeyLen = 128

// keySet holds the keys that a rule about authors or networks lists.
type keySet map[string]struct{}

// any reports whether one of the keys is in the set.
func (s keySet) any(keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { _, ok := s[key]; return ok })
}

// addKey adds the key of an author or a network to the rule that is being read. No
// address is a key, and a rule with one would never match.
func (p *ruleParser) addKey(rule *Rule, s string) error {
	p.words++
	_, addrErr := netip.ParseAddr(s)
	_, prefixErr := netip.ParsePrefix(s)
	switch {
	case addrErr == nil || prefixErr == nil:
		return errors.New("is an address; authors and networks are named by the keys that the moderation queue shows")
	case len(s) > maxKeyLen || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return fmt.Errorf("is not a key: it must have at most %d bytes and no spaces", maxKeyLen)
	case p.words > maxWords:
		return limitError(fmt.Sprintf("more than %d words, hosts and keys in all", maxWords))
	}
	if rule.keys == nil {
		rule.keys = keySet{}
	}
	rule.keys[s] = struct{}{}
	return nil
}
