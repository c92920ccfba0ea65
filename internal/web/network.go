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
	all := networksOf(addr)
	return all[len(all)-1].Prefix.String()
}

// Network is a range of addresses that a client may be able to choose from.
type Network struct {
	// Prefix is the range, invalid if the client has no address.
	Prefix netip.Prefix
	// Share is how many times the limit of a single client the network has.
	Share int
}

// String is the range, such as 192.0.2.0/24. A single address has no prefix length.
func (n Network) String() string {
	switch {
	case !n.Prefix.IsValid():
		return ""
	case n.Prefix.IsSingleIP():
		return n.Prefix.Addr().String()
	default:
		return n.Prefix.String()
	}
}

// ClientNetworks returns the networks that the client belongs to, the narrowest
// first: the address and the /24 of IPv4, the /64, /56 and /48 of IPv6. A household
// has a /64 or /56 of IPv6, a site a /48; who rents servers easily has a /24 of
// IPv4. A request must be within the limits of all of them, so the client cannot
// escape a limit by taking another address.
func ClientNetworks(r *http.Request) []Network { return networksOf(clientAddr(r)) }

func networksOf(addr netip.Addr) []Network {
	of := func(bits, share int) Network { return Network{netip.PrefixFrom(addr, bits).Masked(), share} }
	switch {
	case !addr.IsValid():
		return []Network{{Share: 1}}
	case addr.Is4():
		return []Network{of(32, 1), of(24, 4)}
	default:
		return []Network{of(64, 1), of(56, 2), of(48, 4)}
	}
}
