package web

import (
	"net/http"
	"net/netip"
)

// ClientNetwork returns the network of the client in which one operator usually
// hands out the addresses: the /24 of IPv4, the /48 of IPv6, and "" if [ClientIP]
// does.
func ClientNetwork(r *http.Request) string {
	addr := clientAddr(r)
	if !addr.IsValid() {
		return ""
	}
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	return netip.PrefixFrom(addr, bits).Masked().String()
}
