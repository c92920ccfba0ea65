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
