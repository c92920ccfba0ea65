package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

func proxies(t testing.TB, all ...string) []web.Proxy {
	t.Helper()
	list := make([]web.Proxy, len(all))
	for i, text := range all {
		if err := list[i].UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// client returns what a handler is told of the client of a request.
func client(t testing.TB, trusted []web.Proxy, remote string, forwarded ...string) (addr, network string) {
	t.Helper()
	rt := web.NewRouter(discard(), web.WithTrustedProxies(trusted))
	rt.Handle(http.MethodGet, "/", func(_ http.ResponseWriter, r *http.Request) error {
		addr, network = web.ClientIP(r), web.ClientNet(r)
		return nil
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = remote
	r.Header["X-Forwarded-For"] = forwarded
	rt.ServeHTTP(httptest.NewRecorder(), r)
	return addr, network
}

func TestForwardedFor(t *testing.T) {
	ours := proxies(t, "10.0.0.0/8", "192.0.2.9", "2001:db8:ffff::/48", "::ffff:172.16.0.0/108")
	for _, tt := range []struct {
		name      string
		trusted   []web.Proxy
		remote    string
		forwarded []string
		want      string
	}{
		{"no proxy", ours, "203.0.113.1:1", nil, "203.0.113.1"},
		{"stranger who says who they are", ours, "203.0.113.1:1", []string{"198.51.100.1"}, "203.0.113.1"},
		{"proxy", ours, "10.1.2.3:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"proxy of one address", ours, "192.0.2.9:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"its neighbour", ours, "192.0.2.8:1", []string{"198.51.100.1"}, "192.0.2.8"},
		{"proxy, mapped", ours, "[::ffff:10.1.2.3]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"proxy in a mapped range", ours, "172.16.1.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"IPv6 proxy", ours, "[2001:db8:ffff::1]:1", []string{"2001:DB8::7"}, "2001:db8::7"},
		{"two proxies", ours, "10.0.0.1:1", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"two proxies, two lines", ours, "10.0.0.1:1", []string{"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"hearsay", ours, "10.0.0.1:1", []string{"192.0.2.77, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"hearsay in a line of its own", ours, "10.0.0.1:1", []string{"192.0.2.77", "198.51.100.1"}, "198.51.100.1"},
		{"hearsay that is nonsense", ours, "10.0.0.1:1", []string{"<script>, 198.51.100.1"}, "198.51.100.1"},
		{"stranger who claims to be one of us", ours, "10.0.0.1:1", []string{"10.0.0.7"}, "10.0.0.7"},
		{"nonsense", ours, "10.0.0.1:1", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"nonsense further on", ours, "10.0.0.1:1", []string{"198.51.100.1, _hidden, 10.0.0.2"}, "10.0.0.2"},
		{"empty", ours, "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"empty hop", ours, "10.0.0.1:1", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"with a port", ours, "10.0.0.1:1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"IPv6 with a port", ours, "10.0.0.1:1", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"zone", ours, "10.0.0.1:1", []string{"fe80::1%eth0"}, "fe80::1"},
		{"mapped", ours, "10.0.0.1:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"tabs", ours, "10.0.0.1:1", []string{"\t198.51.100.1 \t,\t10.0.0.2 "}, "198.51.100.1"},
		{"no address", ours, "@", []string{"198.51.100.1"}, ""},
		{"by default this machine", nil, "127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"by default this machine, IPv6", nil, "[::1]:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"by default nobody else", nil, "10.0.0.1:1", []string{"198.51.100.1"}, "10.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := client(t, tt.trusted, tt.remote, tt.forwarded...); got != tt.want {
				t.Errorf("client %q, want %q", got, tt.want)
			}
		})
	}
}

func TestClientNet(t *testing.T) {
	for remote, want := range map[string]string{
		"203.0.113.1:1": "203.0.113.1", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64", "[::ffff:203.0.113.1]:1": "203.0.113.1", "@": "",
	} {
		if _, got := client(t, nil, remote); got != want {
			t.Errorf("network of %s is %q, want %q", remote, got, want)
		}
	}
}

// Whatever the header says, the client is the connection's own address unless
// that is a trusted proxy, and never a trusted one unless every hop is.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []struct{ remote, first, second string }{
		{"127.0.0.1:1", "198.51.100.1", ""}, {"203.0.113.1:1", "198.51.100.1", "10.0.0.1"},
		{"10.0.0.1:1", "198.51.100.1, 10.0.0.2", "unknown"}, {"[::1]:1", "[2001:db8::1]:80,,", " , "}, {"@", "::ffff:10.0.0.1", "fe80::1%eth0"},
	} {
		f.Add(seed.remote, seed.first, seed.second)
	}
	ours := proxies(f, "10.0.0.0/8", "::1", "127.0.0.1")
	trusted := func(addr netip.Addr) bool {
		return netip.MustParsePrefix("10.0.0.0/8").Contains(addr) || addr == netip.IPv6Loopback() || addr == netip.MustParseAddr("127.0.0.1")
	}
	f.Fuzz(func(t *testing.T, remote, first, second string) {
		own, _ := client(t, nil, remote)
		got, network := client(t, ours, remote, first, second)
		if own == "" || !trusted(netip.MustParseAddr(own)) {
			if alone, _ := client(t, ours, remote); got != alone {
				t.Fatalf("from %q a header makes the client %q", remote, got)
			}
			return
		}
		addr, err := netip.ParseAddr(got)
		if err != nil || addr.String() != got || addr.Zone() != "" || addr.Is4In6() {
			t.Fatalf("client %q is no plain address: %v", got, err)
		}
		if n, err := netip.ParsePrefix(network); network != got && (err != nil || !n.Contains(addr)) {
			t.Fatalf("client %q is not in %q", got, network)
		}
		hops := strings.Split(first+","+second, ",")
		if last := strings.Trim(hops[len(hops)-1], " \t"); last == "203.0.113.1" && got != last {
			t.Fatalf("client %q, want the one that the proxy names", got)
		}
	})
}
