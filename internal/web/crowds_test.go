package web

import (
	"net/netip"
	"testing"
	"time"
)

func TestCrowds(t *testing.T) {
	gateway, other := netip.MustParseAddr("172.18.0.1"), netip.MustParseAddr("198.51.100.7")
	for _, tt := range []struct {
		name        string
		addr        netip.Addr
		its, others int
		after       time.Duration
		want        bool
	}{
		{"over 90 % are one private address", gateway, 91, 9, time.Minute, true},
		{"90 % are", gateway, 90, 10, time.Minute, false},
		{"too few to tell", gateway, 59, 0, time.Minute, false},
		{"a public address", other, 100, 0, time.Minute, false},
		{"loopback", netip.MustParseAddr("127.0.0.1"), 100, 0, time.Minute, false},
		{"IPv6", netip.MustParseAddr("fd00::1"), 100, 0, time.Minute, true},
		{"the minute is not over", gateway, 100, 0, time.Minute - 1, false},
		{"long ago", gateway, 100, 0, 2 * time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			c := newCrowds(func() time.Time { return now })
			for i := range tt.others {
				c.count(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
			}
			for range tt.its {
				if c.count(tt.addr) {
					t.Fatal("lifted in the first minute")
				}
			}
			now = now.Add(tt.after)
			if got := c.Current() == tt.addr; got != tt.want {
				t.Errorf("found: %v (%s), want %v", got, c.Current(), tt.want)
			}
			if got := c.count(tt.addr); got != tt.want {
				t.Errorf("lifted: %v, want %v", got, tt.want)
			}
			if c.count(netip.MustParseAddr("172.18.0.2")) {
				t.Error("lifted for another address")
			}
			now = now.Add(3 * time.Minute) // without requests
			if c.Current().IsValid() {
				t.Error("lifted for ever")
			}
		})
	}
}

func TestCrowds_ManyAddresses_BoundedMemory(t *testing.T) {
	c := NewCrowds()
	for i := range 10 * crowdAddresses {
		c.count(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(c.by) > crowdAddresses || c.total != 10*crowdAddresses {
		t.Errorf("keeps %d addresses of %d requests", len(c.by), c.total)
	}
}
