package bustest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// given are the ports that TakePort has let somebody have: a process that does not run
// yet, or has been ended for a while, does not keep its port from a test beside it.
var given sync.Map

// TakePort reports whether the port of 127.0.0.1 is to be had: nobody listens on it
// or has taken it before.
func TakePort(t testing.TB, port int) bool {
	t.Helper()
	if _, taken := given.LoadOrStore(port, true); taken {
		return false
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

// FreePort takes a port that nobody listens on, below those that the system gives to
// clients: it must still be free after the process that had it was ended.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		if port := 20_000 + rand.IntN(12_000); TakePort(t, port) { //nolint:gosec // nobody is to be kept from guessing it
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}
