// Package tour executes the README's tour as written. It has tests only.
package tour

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// The README's tour, executed as written: every block of it, in order, in one
// shell. A network namespace of its own frees the fixed ports.
func TestTheTourOfTheREADME(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("network namespaces are Linux's; the fixed ports of the tour may be in use here")
	}
	unshare := []string{"unshare", "--net"}
	if os.Geteuid() != 0 {
		unshare = []string{"unshare", "--user", "--map-root-user", "--net"}
	}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("this machine permits no network namespace: %s", out)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlock.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Fatalf("the README has %d shell blocks", len(blocks))
	}
	var tour strings.Builder
	for i, b := range blocks {
		fmt.Fprintf(&tour, "echo '== %d'\n%s", i, b[1])
	}
	dir, bin := t.TempDir(), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", bin, "./cmd/newsfeed", "./cmd/moderator")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	script := `set -euo pipefail
PATH=$PATH:/sbin:/usr/sbin
ip link set lo up
start() { # logs to $1.log, waits for a line that has $2
	local log=$1.log line=$2; shift 2
	"$@" >"$log" 2>&1 & last=$!
	for _ in $(seq 400); do grep -q "$line" "$log" && return; sleep 0.05; done
	cat "$log"; exit 1
}
start up 'Newsfeed is ready' "$BIN/newsfeed" up
trap 'kill -INT $last $moderator 2>/dev/null; wait' EXIT
moderator=
` + tour.String() + `
echo '== break it'
kill -INT $last; wait $last
start without 'Newsfeed is ready' "$BIN/newsfeed" up --without moderator
C=$(curl -sS localhost:5002/posts/$POST/comments -H 'Content-Type: application/json' -d '{"content":"is anybody there"}' | sed 's/.*"id":"\([^"]*\)","postId.*/\1/')
sleep 1
curl -sS localhost:5002/comments/$C; echo
"$BIN/moderator" >moderator.log 2>&1 & moderator=$!
for _ in $(seq 400); do curl -sS localhost:5002/comments/$C | grep -q '"status":"approved"' && break; sleep 0.05; done
echo '== mended'
curl -sS localhost:5002/comments/$C; echo
`
	if err := os.WriteFile(filepath.Join(dir, "tour.sh"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), unshare[0], append(unshare[1:], "bash", "tour.sh")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BIN="+bin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	parts := strings.Split(string(out), "== ")
	for i, want := range [][]string{
		0: {`"title":"Hello"`, `"editToken":"`},
		1: {`"content":"nice post"`, `"status":"pending"`},
		2: {`"content":"nice post","author":"bob","status":"approved"`, `"content":"","author":"","status":"rejected"`, `"commentCount":1`},
		3: {"CommentCreated", "CommentUpdated", "correlationid", "CommentModerated"},
		4: {"moderator", "query", "last-delivered-id"},
		5: {`"title":"Hello again"`, `"version":2`},
		6: {`"title":"Hello again"`, `"commentCount":1`},
		7: {`"status":"OK"`, `"title":"Hello"`},
		8: {`"status":"pending"`},
		9: {`"status":"approved"`, "is anybody there"},
	} {
		for _, w := range want {
			if i+1 >= len(parts) || !strings.Contains(parts[i+1], w) {
				t.Errorf("part %d does not show %s:\n%s", i, w, out)
			}
		}
	}
	if strings.Contains(parts[3], "racism") {
		t.Errorf("the rejected text is shown:\n%s", parts[3])
	}
}
