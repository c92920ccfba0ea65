package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// ClientIP returns the address of the client in its shortest form, "" if the
// connection has none. It is the one place that says who the client is: whoever
// the connection is from, or if that is a trusted proxy whom it speaks for; see
// [WithTrustedProxies]. Without a [Router] only the connection is believed.
func ClientIP(r *http.Request) string {
	addr := clientAddr(r)
	if !addr.IsValid() {
		return ""
	}
	return addr.String()
}

// ClientNet returns what one client can take addresses from, for limits per
// client: the address itself for IPv4, the network of 64 bits for IPv6, of which
// every household has one, and "" if [ClientIP] does.
func ClientNet(r *http.Request) string {
	addr := clientAddr(r)
	if !addr.Is6() {
		return ClientIP(r)
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

func clientAddr(r *http.Request) netip.Addr {
	if s := scopeOf(r.Context()); s != nil {
		return s.from.addr
	}
	return addrOf(r.RemoteAddr)
}

// addrOf reads "address:port". An IPv4 address in IPv6 form is the same client
// as the plain one, and the zone of an address says nothing about the client.
func addrOf(hostPort string) netip.Addr {
	ap, err := netip.ParseAddrPort(hostPort)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// fromLoopback returns an ErrForbidden unless the listener, the client, every
// client that a proxy speaks of, the Host and the Origin are loopback. The Host
// shuts out DNS rebinding, where a foreign page's name leads here; the Origin
// shuts out a foreign page that posts here without reading the answer. The
// headers can be made up, so they can only refuse and never admit.
func fromLoopback(r *http.Request) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	switch {
	case local == nil || !addrOf(local.String()).IsLoopback():
		return fmt.Errorf("%w: without a token only a loopback listener answers this", ErrForbidden)
	case !addrOf(r.RemoteAddr).IsLoopback() || !forwardedLoopback(r):
		return fmt.Errorf("%w: without a token only this machine itself is answered", ErrForbidden)
	case !loopbackHost(r.Host):
		return fmt.Errorf("%w: without a token the Host must be localhost, 127.0.0.1 or [::1]", ErrForbidden)
	case !loopbackOrigin(r):
		return fmt.Errorf("%w: without a token only pages of localhost are answered", ErrForbidden)
	default:
		return nil
	}
}

func forwardedLoopback(r *http.Request) bool {
	for _, line := range r.Header.Values(forwardedHeader) {
		for hop := range strings.SplitSeq(line, ",") {
			addr, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil || !addr.Unmap().IsLoopback() {
				return false
			}
		}
	}
	return true
}

func loopbackOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // not sent by a page
	}
	u, err := url.Parse(origin)
	return err == nil && loopbackHost(u.Host)
}

// loopbackHost reports whether a Host header, with or without a port, means this
// machine whatever the DNS says.
func loopbackHost(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostPort, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
