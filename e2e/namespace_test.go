package e2e

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// outside is an address of the namespace that is no loopback one: RFC 5737 keeps
// it for documentation, so nobody else has it.
const outside = "192.0.2.1"

// insideVariable is set for the tests that run in the namespace.
const insideVariable = "NEWSFEED_E2E_INSIDE"

// inNamespace runs the calling test once more, in a network namespace of its own
// that has loopback and the address outside, and returns false; there it returns
// true. So a test can listen on every interface and connect from elsewhere, and
// nobody can connect to what it starts.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVariable) != "" {
		return true
	}
	if runtime.GOOS != "linux" {
		t.Skip("network namespaces are Linux's, and outside of one this test would open ports to the network")
	}
	unshare := []string{"unshare", "--net"}
	if os.Geteuid() != 0 {
		unshare = []string{"unshare", "--user", "--map-root-user", "--net"}
	}
	setUp := []string{"sh", "-c", "PATH=$PATH:/sbin:/usr/sbin; ip link set lo up && ip address add " + outside + `/32 dev lo && exec "$@"`, "sh"}
	inside := func(args ...string) *exec.Cmd {
		all := append(append(unshare[1:len(unshare):len(unshare)], setUp...), args...)
		return exec.CommandContext(t.Context(), unshare[0], all...)
	}
	if out, err := inside("true").CombinedOutput(); err != nil {
		t.Skipf("a network namespace with a second address cannot be made here (%v): %s\n"+
			"It takes unshare (util-linux) and ip (iproute2), and to be root or a kernel that permits namespaces of users.",
			err, strings.TrimSpace(string(out)))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{self, "-test.run=^" + t.Name() + "$", "-test.count=1"}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd := inside(args...)
	cmd.Env = append(os.Environ(), programsVariable+"="+programs, insideVariable+"=yes")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
	t.Logf("in the namespace:\n%s", out)
	return false
}
