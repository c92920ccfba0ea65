package web

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNetworksOf(t *testing.T) {
	for addr, want := range map[string][]string{
		"192.0.2.77":             {"192.0.2.77 x1", "192.0.2.0/24 x4"},
		"127.0.0.1":              {"127.0.0.1 x1", "127.0.0.0/24 x4"},
		"2001:db8:1:203:4::5":    {"2001:db8:1:203::/64 x1", "2001:db8:1:200::/56 x2", "2001:db8:1::/48 x4"},
		"2001:db8:1:2ff:ffff::1": {"2001:db8:1:2ff::/64 x1", "2001:db8:1:200::/56 x2", "2001:db8:1::/48 x4"},
	} {
		var got []string
		for _, n := range networksOf(netip.MustParseAddr(addr)) {
			got = append(got, fmt.Sprintf("%s x%d", n, n.Share))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", addr, diff)
		}
	}
	if got := networksOf(netip.Addr{}); len(got) != 1 || got[0].String() != "" {
		t.Errorf("no address: %v", got)
	}
}

// randomAddr returns an address that shares a random number of bits with another.
func randomAddr(r *rand.Rand) netip.Addr {
	six := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(r.IntN(2)), byte(r.IntN(3)), byte(r.IntN(4))}
	six[15] = byte(r.IntN(3))
	if r.IntN(2) == 0 {
		return netip.AddrFrom16(six)
	}
	return netip.AddrFrom4([4]byte{192, 0, byte(r.IntN(2)), byte(r.IntN(8))})
}

// Whatever the addresses and in whatever order they come and go, no network holds
// more than its share, all that there is in total is never exceeded, and nothing
// is refused that fits.
func TestShares_AnyAddresses_NetworksKeepToTheirShare(t *testing.T) {
	const limit, perClient = 60, 3
	factor := map[int]int{32: 1, 24: 4, 64: 1, 56: 2, 48: 4}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, held := newShares(limit, perClient), []netip.Addr(nil)
		within := func(addr netip.Addr, bits int) (n int) {
			for _, other := range held {
				if p, err := addr.Prefix(bits); err == nil && p.Contains(other) {
					n++
				}
			}
			return n
		}
		for range 500 {
			if len(held) > 0 && r.IntN(4) == 0 {
				i := r.IntN(len(held))
				s.leave(networksOf(held[i]))
				held = append(held[:i], held[i+1:]...)
				continue
			}
			addr := randomAddr(r)
			fits := len(held) < limit
			for bits, n := range factor {
				if (bits <= 32) == addr.Is4() && within(addr, bits) >= n*perClient {
					fits = false
				}
			}
			if no := s.enter(networksOf(addr), false); no.refused() == fits {
				t.Fatalf("seed %d: %s: refused %v (%+v), fits %v, held %v", seed, addr, no.refused(), no, fits, held)
			} else if fits {
				held = append(held, addr)
			}
			if s.count() != len(held) {
				t.Fatalf("seed %d: counts %d, are %d", seed, s.count(), len(held))
			}
		}
		for _, addr := range held {
			s.leave(networksOf(addr))
		}
		if len(s.held) != 0 {
			t.Errorf("seed %d: still kept when all have left: %v", seed, s.held)
		}
	}
}

func TestShares_Lifted_OnlyTheTotalCounts(t *testing.T) {
	s, addr := newShares(5, 1), networksOf(netip.MustParseAddr("10.0.0.7"))
	for i := range 5 {
		if no := s.enter(addr, true); no.refused() {
			t.Fatalf("%d: %+v", i, no)
		}
	}
	if no := s.enter(addr, true); !no.full {
		t.Errorf("one more than there are: %+v", no)
	}
}
