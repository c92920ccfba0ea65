package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/bustest"
)

// hits is how many hostile requests each route gets, and warmUp how many of them
// come before memory is measured.
const (
	hits   = 1_000
	warmUp = 200
)

// unattacked returns the documented operations that are no target.
func unattacked() []string {
	missing := map[string]bool{}
	for service, d := range documents {
		for _, op := range d.Operations() {
			missing[service+" "+op] = true
		}
	}
	for _, route := range targets() {
		delete(missing, route.service+" "+route.method+" "+route.path)
	}
	return slices.Sorted(maps.Keys(missing))
}

// Whatever comes from outside, no service falls over: no answer of 500 and above
// but the documented 503 and 504, no process ends, and none keeps the memory.
func TestHostileRequests(t *testing.T) {
	for _, missing := range unattacked() {
		t.Errorf("%s is not attacked", missing)
	}
	redis := bustest.Start(t)
	processes := map[string]*process{}
	for _, name := range append([]string{"eventbus", "frontend"}, services...) {
		processes[name] = newProcess(t, name, name, redis.URL())
		processes[name].env["LOG_LEVEL"] = "error" // what is refused is no news
		processes[name].expects = "dead letter"    // which malformed events become
		// The race detector keeps memory of its own for all that was ever in use.
		processes[name].program = withoutRaceDetector(t, name)
	}
	for _, name := range services {
		processes["frontend"].env[strings.ToUpper(name)+"_URL"] = "http://" + processes[name].addr()
	}
	for _, p := range processes {
		p.start()
	}
	for name, p := range processes {
		bustest.Eventually(t, patience, name+" is ready", func() bool {
			res, err := http.Get("http://" + p.addr() + "/readyz")
			if err != nil {
				return false
			}
			_ = res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
	}

	a := &attack{processes: processes, seen: map[[32]byte]struct{}{}, statuses: map[int]int{}, wrong: map[int]string{}}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	a.run(t, seed, 0, warmUp)
	before := map[string]int{}
	for name, p := range processes {
		before[name] = residentMemory(t, p)
	}
	a.run(t, seed, warmUp, hits)

	t.Logf("%d distinct requests to %d routes; answers by status: %v; %d connections without one",
		len(a.seen), len(targets()), a.statuses, a.unanswered)
	if len(a.seen) < 20_000 {
		t.Errorf("only %d distinct requests", len(a.seen))
	}
	for status, example := range a.wrong {
		t.Errorf("%d answers of %d, such as to %s", a.statuses[status], status, example)
	}
	for name, p := range processes {
		select {
		case err := <-p.exited:
			t.Fatalf("%s has ended: %v", name, err)
		default:
		}
		after := 0
		// The runtime collects an idle program's garbage every two minutes.
		bustest.Eventually(t, 5*patience, name+" gives its memory back", func() bool {
			after = residentMemory(t, p)
			return 2*after <= 3*before[name]
		})
		t.Logf("%s: %d MiB before, %d MiB after", name, before[name]>>20, after>>20)
	}
}

// attack counts what it sends and gets.
type attack struct {
	processes map[string]*process

	mu         sync.Mutex
	seen       map[[32]byte]struct{} // requests sent, as hashes
	statuses   map[int]int
	wrong      map[int]string // an example of each status that there should not be
	unanswered int
}

func (a *attack) run(t *testing.T, seed uint64, from, to int) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(16)
	for i, route := range targets() {
		g.Go(func() error {
			for n := from; n < to; n++ {
				r := rand.New(rand.NewPCG(seed, uint64(i)<<32|uint64(n)))
				if err := a.strike(route, hostile(r, route)); err != nil {
					return fmt.Errorf("%s %s %s: %w", route.service, route.method, route.path, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// strike sends one request as it is, byte for byte, and reads how the answer begins.
func (a *attack) strike(route target, raw []byte) error {
	conn, err := net.DialTimeout("tcp", a.processes[route.service].addr(), 10*time.Second)
	if err != nil {
		return fmt.Errorf("it no longer listens: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = conn.Write(raw) // the answer may come, and the connection end, before all is written
	// Its body is left unread: closing it would read it to its end, which a stream
	// of events does not have.
	res, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // see above
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[sha256.Sum256(raw)] = struct{}{}
	if err != nil {
		a.unanswered++
		return nil
	}
	a.statuses[res.StatusCode]++
	if !mayBe(res.StatusCode, raw) {
		a.wrong[res.StatusCode] = fmt.Sprintf("%s %.600q", route.service, raw)
	}
	return nil
}

// mayBe reports whether a status may be the answer to a request. 501 is what
// RFC 9112, section 6.1, asks for when a transfer coding is not known, and what
// net/http answers to two of them. 505 is for a version of HTTP that is not 1.
func mayBe(status int, raw []byte) bool {
	line, _, _ := bytes.Cut(raw, []byte("\r\n"))
	switch status {
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusNotImplemented:
		return bytes.Contains(raw, []byte("Transfer-Encoding: chunky")) || bytes.Contains(raw, []byte("Transfer-Encoding: chunked, chunked"))
	case http.StatusHTTPVersionNotSupported:
		return !bytes.Contains(line, []byte(" HTTP/1."))
	default:
		return status < 500
	}
}
