package e2e

import (
	"bufio"
	"context"
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
	query.program = withoutRaceDetector(t, "query") // which would take most of the memory
	t.Cleanup(s.end)
	s.start("posts")
	s.start("query")
	s.ready("posts", "query")
	s.awaitPost(s.newPost("Before").ID, true)

	before := residentMemory(t, query)
	a := listen(t, query.addr())
	perClient := (residentMemory(t, query) - before) / audience
	t.Logf("%d clients: %.1f KiB each", audience, float64(perClient)/1024)
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
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "../cmd/"+service).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
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
