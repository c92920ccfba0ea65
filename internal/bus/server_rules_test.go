package bus

import "testing"

// Inside the package, as no test may start a server that listens elsewhere.
func TestLoopbackOnly(t *testing.T) {
	for bind, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1 -::1": true, "127.0.0.1 10.0.0.7": false, "* -::*": false, "": false,
	} {
		if got := loopbackOnly(bind); got != want {
			t.Errorf("bind %q: %v, want %v", bind, got, want)
		}
	}
}

func TestOpenDefault(t *testing.T) {
	for rule, want := range map[string]bool{
		"user default on nopass ~* &* +@all":                                    true,
		"user default on #5e884898da28047151d0e56f8dc6292773603d0d ~* &* +@all": false,
		"user default off nopass ~* &* +@all":                                   false,
		"user default on nopass resetchannels -@all +ping":                      false,
		"user default on nopass ~* resetchannels -@all +xrange":                 false,
		"user operator on nopass ~* &* +@all":                                   false,
		"user default":                                                          false,
	} {
		if got := openDefault(rule); got != want {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
	}
}
