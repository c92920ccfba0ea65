package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// DevelopmentToken is a token that everyone knows. It is honoured only for
// requests that are addressed to localhost.
const DevelopmentToken Secret = "development"

// Guard lets h answer only requests that bring one of the tokens, or one of those in
// also, else the answer is [ErrUnauthorized]. With no token configured it lets in
// what comes from this machine and is addressed to it as such, else the answer is
// [ErrForbidden]. variable is what configures the token, such as ADMIN_TOKEN, and
// is named to those who are refused.
func Guard(variable string, tokens Tokens, h Handler, also ...Secret) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case HasToken(r, tokens) || HasToken(r, also):
		case len(tokens) == 0:
			if err := fromLoopback(r); err != nil {
				return fmt.Errorf("%w; to use it from elsewhere, set %s", err, variable)
			}
		case slices.Contains(tokens, DevelopmentToken) && !loopbackHost(r.Host):
			return fmt.Errorf("%w: the token %q is for localhost only; set %s", ErrForbidden, string(DevelopmentToken), variable)
		default:
			return fmt.Errorf("%w (%s)", Unauthorized(r), variable)
		}
		return h(w, r)
	}
}

// Inside lets h answer only requests that come from this machine or a private
// network (RFC 1918, RFC 4193, link-local), and on the whole way from there as far
// as proxies tell; else the answer is [ErrForbidden]. It is for what those who run
// the services read, and not for secrets: behind a gateway that hides where
// requests come from, all of them are from inside.
func Inside(h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !inside(addrOf(r.RemoteAddr)) {
			return fmt.Errorf("%w: only private networks are answered", ErrForbidden)
		}
		for _, line := range r.Header.Values(forwardedHeader) {
			for hop := range strings.SplitSeq(line, ",") {
				if addr, ok := parseHop(strings.TrimSpace(hop)); !ok || !inside(addr) {
					return fmt.Errorf("%w: only private networks are answered, and this came from elsewhere", ErrForbidden)
				}
			}
		}
		return h(w, r)
	}
}

func inside(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}
