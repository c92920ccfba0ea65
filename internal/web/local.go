package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"
	"regexp"
	"strings"
)

// fromThisMachine returns an [ErrForbidden] unless r comes from this machine, is
// addressed to it as such, and no header names anyone else.
func fromThisMachine(r *http.Request) error {
	if err := fromLoopback(r); err != nil {
		return err
	}
	if name, found := namesAnother(r.Header, netip.Addr.IsLoopback); found {
		return fmt.Errorf("%w: without a token only this machine itself is answered, and %s names another", ErrForbidden, name)
	}
	return nil
}

// developmentAllowed reports whether r may use [DevelopmentToken]: it is addressed
// to localhost, and every address on its way is of this machine or of a private
// network. A container's clients have the address of a private network.
func developmentAllowed(r *http.Request) bool {
	if !nearby(addrOf(r.RemoteAddr)) || !loopbackHost(r.Host) || !loopbackOrigin(r) {
		return false
	}
	_, found := namesAnother(r.Header, nearby)
	return !found
}

// ToLocalhost reports whether r is addressed to this machine as such.
func ToLocalhost(r *http.Request) bool { return loopbackHost(r.Host) }

// nearby reports whether addr is of this machine or of a private network.
func nearby(addr netip.Addr) bool { return addr.IsLoopback() || addr.IsPrivate() }

// namesAnother looks for a header with which a proxy names a client or a host, and
// returns the name of the first that admits does not admit. A header of which the
// value cannot be read counts as naming another. Such headers can be made up, so
// that they can only refuse and never admit.
func namesAnother(h http.Header, admits func(netip.Addr) bool) (name string, found bool) {
	for name, values := range h {
		local := forwardingHeader(name)
		if local == nil {
			continue
		}
		for _, value := range values {
			if !local(value, admits) {
				return textproto.CanonicalMIMEHeaderKey(name), true
			}
		}
	}
	return "", false
}

// IsForwarding reports whether a header is one with which proxies say for whom or
// for which host they pass a request on.
func IsForwarding(name string) bool { return forwardingHeader(name) != nil }

// A localValue reports whether the value of a header names only what admits admits.
type localValue func(value string, admits func(netip.Addr) bool) bool

// forwardingHeader returns how to read a header of proxies, nil for other headers.
// Some programs take underscores for hyphens, and so does this.
func forwardingHeader(name string) localValue {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch name {
	case "forwarded":
		return localForwarded
	case "x-forwarded-host", "x-forwarded-server", "x-original-host", "x-host":
		return localHosts
	case "x-forwarded-proto", "x-forwarded-protocol", "x-forwarded-scheme", "x-forwarded-ssl", "x-forwarded-port":
		return plainWords
	case "x-forwarded-prefix", "x-forwarded-path", "x-forwarded-uri", "x-forwarded-method":
		return nil
	case "via":
		return localVia
	case "cdn-loop", "x-coming-from", "cf-ray", "cf-worker":
		return func(string, func(netip.Addr) bool) bool { return false }
	}
	if strings.Contains(name, "forwarded") || addressHeader.MatchString(name) {
		return localAddresses
	}
	return nil
}

// addressHeader matches X-Real-IP, True-Client-IP, CF-Connecting-IPv6,
// X-Azure-ClientIP, CloudFront-Viewer-Address, Remote-Addr and the like.
var addressHeader = regexp.MustCompile(`(^|-)(client|socket|real|remote|user|src)?-?(ip|ipv4|ipv6|addr|address)$`)

func localAddresses(value string, admits func(netip.Addr) bool) bool {
	for hop := range strings.SplitSeq(value, ",") {
		if addr, ok := parseHop(strings.TrimSpace(hop)); !ok || !admits(addr) {
			return false
		}
	}
	return true
}

func localHosts(value string, _ func(netip.Addr) bool) bool {
	for host := range strings.SplitSeq(value, ",") {
		if !loopbackHost(strings.TrimSpace(host)) {
			return false
		}
	}
	return true
}

var words = regexp.MustCompile(`^(?i:https?|wss?|on|off|[0-9]{1,5})$`)

// plainWords admits protocols and ports, which name nobody.
func plainWords(value string, _ func(netip.Addr) bool) bool {
	for word := range strings.SplitSeq(value, ",") {
		if !words.MatchString(strings.TrimSpace(word)) {
			return false
		}
	}
	return true
}

// localForwarded reads RFC 7239. Obfuscated and unknown nodes are of nobody knows
// where.
func localForwarded(value string, admits func(netip.Addr) bool) bool {
	for pair := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == ';' }) {
		key, text, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok {
			return false
		}
		if text = strings.TrimSpace(text); len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
			text = text[1 : len(text)-1]
		}
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "for", "by":
			if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
				text = text[1 : len(text)-1]
			}
			ok = localAddresses(text, admits)
		case "host":
			ok = localHosts(text, admits)
		case "proto":
			ok = plainWords(text, admits)
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return strings.TrimSpace(value) != ""
}

// localVia reads RFC 9110, section 7.6.3: protocol and host of each proxy.
func localVia(value string, admits func(netip.Addr) bool) bool {
	for entry := range strings.SplitSeq(value, ",") {
		parts := strings.Fields(entry)
		if len(parts) != 2 || !localHosts(parts[1], admits) {
			return false
		}
	}
	return true
}
