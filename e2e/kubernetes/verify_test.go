//go:build kubernetes

package kubernetes

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// verified: the operator's commands, over a forwarded port, find nothing wrong.
func verified(t *testing.T, _ *load) {
	program := filepath.Join(t.TempDir(), "newsfeed")
	if out, err := try("go", "build", "-buildvcs=false", "-o", program, "./cmd/newsfeed"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	forward := exec.CommandContext(t.Context(), "kubectl", "-n", namespace, "port-forward", "--address=127.0.0.1", "service/redis-clusterip-srv", ":6379")
	stdout, err := forward.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := forward.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = forward.Process.Kill(); _ = forward.Wait() }()
	port := make(chan string, 1)
	go func() { // ends with the process
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if m := regexp.MustCompile(`127\.0\.0\.1:(\d+) ->`).FindStringSubmatch(lines.Text()); m != nil {
				port <- m[1]
			}
		}
	}()
	select {
	case p := <-port:
		address := "redis://operator:development@127.0.0.1:" + p
		for _, command := range []string{"verify", "doctor"} {
			out, err := try(program, command, "--redis-url", address)
			if err != nil {
				t.Errorf("newsfeed %s: %v\n%s", command, err, out)
			}
			t.Logf("newsfeed %s:\n%s", command, out)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("kubectl port-forward does not say which port")
	}
}
