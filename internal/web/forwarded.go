package web

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const forwardedHeader = "X-Forwarded-For"

// Proxy is an address or a range of addresses (CIDR) from which a request is
// believed to be passed on for the client that its X-Forwarded-For names.
type Proxy struct{ addrs netip.Prefix }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Proxy) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	prefix, err := netip.ParsePrefix(s)
	if addr, addrErr := netip.ParseAddr(s); addrErr == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	// Addresses are compared in their plain form, so this one must have it too.
	if err == nil && prefix.Addr().Is4In6() {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-(128-32))
	}
	if err != nil || !prefix.IsValid() {
		return errors.New("is not an address such as 10.0.0.7 or a range such as 10.0.0.0/8, nor a list of them with commas between")
	}
	*p = Proxy{prefix.Masked()}
	return nil
}

// String is the range, such as 10.0.0.0/8.
func (p Proxy) String() string { return p.addrs.String() }

// WithTrustedProxies sets the proxies to whose X-Forwarded-For [ClientIP]
// listens. Without any those of this machine are trusted, such as the front
// end's own.
func WithTrustedProxies(trusted []Proxy) Option {
	return func(rt *Router) { rt.proxies = trusted }
}

// client is who a request is from.
type client struct {
	addr    netip.Addr
	proxied bool // by a trusted proxy
	lifted  bool // it stands for nearly everyone and has no share; see Crowds
}

// Proxied reports whether the connection of r is from a trusted proxy: whoever
// passes r on may then pass on its X-Forwarded-For as well. It is false without
// a [Router].
func Proxied(r *http.Request) bool {
	s := scopeOf(r.Context())
	return s != nil && s.from.proxied
}

// withClient decides for each request who its client is; see [ClientIP]. It
// stands behind withRequestID.
func (rt *Router) withClient(next http.Handler) http.Handler {
	proxies := rt.proxies
	trusted := func(addr netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p Proxy) bool { return p.addrs.Contains(addr) })
	}
	if len(proxies) == 0 {
		trusted = netip.Addr.IsLoopback
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := addrOf(r.RemoteAddr)
		from := client{addr: forwardedFor(peer, r.Header.Values(forwardedHeader), trusted), proxied: peer.IsValid() && trusted(peer)}
		if !IsProbe(r) {
			from.lifted = rt.crowds.count(from.addr)
		}
		scopeOf(r.Context()).from = from
		next.ServeHTTP(w, r)
	})
}

// forwardedFor returns the client of a connection from addr: going back from
// there over the addresses of X-Forwarded-For, the first that is no trusted
// proxy. Each hop is the word of the one after it, so what stands left of the
// client is hearsay. Where a trusted proxy names nobody, or something that is
// not an address, the proxy itself is taken for the client.
func forwardedFor(addr netip.Addr, lines []string, trusted func(netip.Addr) bool) netip.Addr {
	for _, line := range slices.Backward(lines) {
		for more := true; more; {
			if !addr.IsValid() || !trusted(addr) {
				return addr
			}
			hop := line
			if comma := strings.LastIndexByte(line, ','); comma >= 0 {
				line, hop = line[:comma], line[comma+1:]
			} else {
				more = false
			}
			named, ok := parseHop(strings.Trim(hop, " \t"))
			if !ok {
				return addr
			}
			addr = named
		}
	}
	return addr
}

// parseHop reads an address, which some proxies write with the port.
func parseHop(hop string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(hop)
	if err != nil {
		addr = addrOf(hop)
	}
	return addr.Unmap().WithZone(""), addr.IsValid()
}
