package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bustest"
)

const (
	audience        = 10_000
	memoryPerClient = 40 << 10
	reachAll        = time.Second
)

// Ten thousand who wait for changes cost one process of query little memory each,
// and hear of one within a second.
func TestTenThousandListen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how much memory a process has is read from /proc")
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Max < audience+1000 {
		t.Skipf("a process may open %d files here (ulimit -Hn), and this takes %d (%v)", files.Max, audience+1000, err)
	}
	s := &system{t: t, redis: bustest.Start(t), replicas: map[string][]*process{}, client: &http.Client{Timeout: 15 * time.Second}}
	for _, name := range []string{"posts", "query"} {
		p := newProcess(t, name, name+"-0", s.redis.URL())
		p.env["STREAMS_TOTAL"], p.env["STREAMS_PER_ADDRESS"], p.env["MAX_CONNECTIONS"] = "20000", "20000", "20000"
		s.replicas[name] = []*process{p}
	}
	query := s.replicas["query"][0]
	query.program = collecting(t, "query")
	t.Cleanup(s.end)
	s.start("posts")
	s.start("query")
	s.ready("posts", "query")
	s.awaitPost(s.newPost("Before").ID, true)

	before := heldMemory(t, query)
	a := listen(t, query.addr())
	uncollected := (residentMemory(t, query) - before) / audience
	perClient := (heldMemory(t, query) - before) / audience
	t.Logf("%d clients: %.1f KiB each, and %.1f before a collection", audience, float64(perClient)/1024, float64(uncollected)/1024)
	if perClient > memoryPerClient {
		t.Errorf("a client takes %d bytes, want %d at most", perClient, memoryPerClient)
	}
	// Other tests may have the machine busy: the best of a few counts.
	var took []time.Duration
	for i := range 5 {
		title := fmt.Sprintf("change %d", i)
		a.expect(title)
		begin := time.Now()
		s.newPost(title)
		if missing := a.await(30 * time.Second); missing > 0 {
			t.Fatalf("%d of %d have not heard of the change", missing, audience)
		}
		took = append(took, time.Since(begin))
	}
	t.Logf("a change reaches all in %v", took)
	if best := slices.Min(took); best > reachAll {
		t.Errorf("a change takes %s to reach all, want %s at most", best, reachAll)
	}
}

func withoutRaceDetector(t *testing.T, service string) string {
	t.Helper()
	if len(buildFlags) == 0 {
		return ""
	}
	path := filepath.Join(t.TempDir(), service)
	build(t, service, path)
	return path
}

// build builds a service as it is shipped, but for the flags.
func build(t *testing.T, service, path string, flags ...string) {
	t.Helper()
	args := append(append([]string{"build", "-buildvcs=false", "-o", path}, flags...), "../cmd/"+service)
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// onSignal is added to the program's main: told so by SIGUSR1, it collects its garbage
// and gives back to the system what is free.
const onSignal = `package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func init() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	go func() {
		for range told {
			debug.FreeOSMemory()
			fmt.Println("collected")
		}
	}()
}
`

// collecting builds a service with onSignal, and without the race detector, which
// would take most of the memory.
func collecting(t *testing.T, service string) string {
	t.Helper()
	dir := t.TempDir()
	added, err := filepath.Abs(filepath.Join("..", "cmd", service, "onsignal.go"))
	if err != nil {
		t.Fatal(err)
	}
	source, overlay, program := filepath.Join(dir, "onsignal.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, service)
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {added: source}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{source: onSignal, overlay: string(replace)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build(t, service, program, "-overlay", overlay)
	return program
}

// heldMemory is how many bytes of the process are in memory that it does hold, and
// not only has not collected yet: the median of some readings, each after it did.
func heldMemory(t *testing.T, p *process) int {
	t.Helper()
	var readings []int
	for range 5 {
		done := p.says("collected\n")
		if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		bustest.Eventually(t, patience, "the process has collected its garbage", func() bool { return p.says("collected\n") > done })
		readings = append(readings, residentMemory(t, p))
	}
	slices.Sort(readings)
	return readings[len(readings)/2]
}

// says is how often its log has the words.
func (p *process) says(words string) int {
	p.t.Helper()
	log, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Count(string(log), words)
}

// residentMemory is how many bytes of the process are in memory.
func residentMemory(t *testing.T, p *process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if err != nil || found == nil {
		t.Fatalf("no VmRSS: %v", err)
	}
	kib, _ := strconv.Atoi(string(found[1])) // digits
	return kib << 10
}

// crowd of connections that each wait for one line.
type listeners struct {
	word    atomic.Pointer[string]
	missing atomic.Int64
	all     chan struct{}
}

// listen opens the streams and returns when each has had its first event.
func listen(t *testing.T, addr string) *listeners {
	t.Helper()
	a := &listeners{all: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		readers.Wait()
	})
	a.expect("event: hello")
	var opening errgroup.Group
	opening.SetLimit(50)
	for range audience {
		opening.Go(func() error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			if err != nil {
				return err
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			if _, err := fmt.Fprintf(conn, "GET /posts/stream HTTP/1.1\r\nHost: %s\r\n\r\n", addr); err != nil {
				return err
			}
			readers.Go(func() { a.read(conn) })
			return nil
		})
	}
	if err := opening.Wait(); err != nil {
		t.Fatal(err)
	}
	if missing := a.await(time.Minute); missing > 0 {
		t.Fatalf("%d of %d streams have not begun", missing, audience)
	}
	return a
}

// expect says which word every connection is to get next.
func (a *listeners) expect(word string) {
	a.missing.Store(audience)
	a.word.Store(&word)
}

// await waits until all have it and returns how many have not.
func (a *listeners) await(within time.Duration) (missing int64) {
	select {
	case <-a.all:
		return 0
	case <-time.After(within):
		return a.missing.Load()
	}
}

func (a *listeners) read(conn net.Conn) {
	lines := bufio.NewReaderSize(conn, 512)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // bufio returns it as it is
			return
		}
		if strings.Contains(string(line), *a.word.Load()) && a.missing.Add(-1) == 0 {
			a.all <- struct{}{}
		}
	}
}
