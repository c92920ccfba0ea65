package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
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

// target is a route under attack. {id} in its path is where made-up ids go, and
// body is what a fair request would send.
type target struct{ service, method, path, body string }

func targets() []target {
	all := []target{
		{"posts", "POST", "/posts", `{"title":"t","body":"b","author":"a"}`},
		{"posts", "GET", "/posts", ""},
		{"posts", "GET", "/posts/{id}", ""},
		{"posts", "PATCH", "/posts/{id}", `{"title":"t"}`},
		{"posts", "DELETE", "/posts/{id}", ""},
		{"comments", "POST", "/posts/{id}/comments", `{"content":"c","author":"a"}`},
		{"comments", "GET", "/posts/{id}/comments", ""},
		{"comments", "GET", "/comments/all", ""},
		{"comments", "GET", "/comments/{id}", ""},
		{"comments", "PATCH", "/comments/{id}", `{"content":"c"}`},
		{"comments", "DELETE", "/comments/{id}", ""},
		{"comments", "GET", "/comments/{id}/stream", ""},
		{"moderator", "POST", "/moderation/check", `{"content":"c","author":"a"}`},
		{"moderator", "GET", "/moderation/queue", ""},
		{"moderator", "POST", "/moderation/queue/{id}/claim", ""},
		{"moderator", "DELETE", "/moderation/queue/{id}/claim", ""},
		{"moderator", "POST", "/moderation/decisions", `{"commentId":"c","version":1,"status":"approved","reason":"r"}`},
		{"moderator", "GET", "/moderation/log", ""},
		{"moderator", "GET", "/moderation/rules", ""},
		{"moderator", "GET", "/moderation/summary", ""},
		{"query", "GET", "/posts", ""},
		{"query", "GET", "/posts/stream", ""},
		{"query", "GET", "/posts/{id}", ""},
		{"query", "GET", "/posts/{id}/comments", ""},
		{"query", "GET", "/posts/{id}/comments.atom", ""},
		{"query", "GET", "/feed.atom", ""},
		{"eventbus", "POST", "/events", `{"type":"CommentCreated","data":{"id":"c","postId":"p","content":"x","status":"pending"}}`},
		{"eventbus", "GET", "/events", ""},
		{"eventbus", "GET", "/events/stream", ""},
		{"eventbus", "GET", "/streams", ""},
		{"eventbus", "GET", "/dead", ""},
		{"eventbus", "GET", "/dead/{id}", ""},
		{"eventbus", "POST", "/dead/{id}/redrive", ""},
		{"eventbus", "DELETE", "/dead/{id}", ""},
		{"frontend", "GET", "/{id}", ""},
		{"frontend", "POST", "/api/posts/posts", `{"title":"t"}`},
		{"frontend", "GET", "/api/query/posts/{id}", ""},
	}
	for _, service := range append([]string{"eventbus", "frontend"}, services...) {
		all = append(all, target{service, "GET", "/livez", ""}, target{service, "GET", "/readyz", ""}, target{service, "GET", "/metrics", ""})
	}
	return all
}

// Whatever comes from outside, no service falls over: no answer of 500 and above
// but the documented 503 and 504, no process ends, and none keeps the memory.
func TestHostileRequests(t *testing.T) {
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
// RFC 9112, section 6.1, asks for when a transfer coding is not known.
func mayBe(status int, raw []byte) bool {
	switch status {
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusNotImplemented:
		return bytes.Contains(raw, []byte("Transfer-Encoding: chunky"))
	default:
		return status < 500
	}
}

// hostile makes a request that is wrong in one to three ways, and may be fair in
// all others.
func hostile(r *rand.Rand, route target) []byte {
	req := &wild{
		method: route.method, path: strings.ReplaceAll(route.path, "{id}", pick(r, ids)), body: route.body,
		header: []string{"Host: localhost", "Connection: close", fmt.Sprintf("X-Request-Id: %d", r.Uint64())},
	}
	if route.body != "" {
		req.header = append(req.header, "Content-Type: application/json")
	}
	for range 1 + r.IntN(3) {
		pick(r, spoilers)(r, req)
	}
	length, body := strconv.Itoa(len(req.body)), req.body
	switch {
	case req.frame == misstated && body != "":
		// Never more than there is: a server waits for the rest, and rightly.
		length = pick(r, []string{"0", "1", strconv.Itoa(len(body) - 1), "-5", "1e3", "99999999999999999999"})
	case req.frame == chunked:
		length = ""
		req.header = append(req.header, "Transfer-Encoding: chunked")
		body = pick(r, []string{fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), "zz\r\n", "-1\r\nab\r\n", "fffffffffffffffff\r\n", "0\r\n\r\n"})
	}
	if length != "" && (body != "" || req.method != "GET") {
		req.header = append(req.header, "Content-Length: "+length)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", req.method, req.path)
	for _, h := range req.header {
		fmt.Fprintf(&b, "%s\r\n", h)
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// wild is a request on its way to be spoiled.
type wild struct {
	method, path, body string
	header             []string
	frame              framing
}

// framing is how a request says how long its body is.
type framing int

const (
	stated framing = iota
	misstated
	chunked
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var ids = []string{
	"a", "all", "stream", "__proto__", "constructor", "..", "%2e%2e", "%2F", "%00", "a%2Fb", "a%00b", "%ff", "%zz", "*", "{posts}:events",
	"0", "-1", "null", "undefined", "%F0%9F%92%A9", "'%20OR%201=1--", "<script>", "$(reboot)", strings.Repeat("x", 128), strings.Repeat("x", 129),
	strings.Repeat("%61", 3000), "019abcde-0000-7000-8000-000000000000", "1-1", "18446744073709551615-18446744073709551615", "a?b", "a#b", "a;b",
}

var texts = []string{
	"", " ", "\x00", "\xff\xfe", "null", "-1", "0", "1e999", "99999999999999999999", "true", "[]", "{}", "\u202e", "\u0000", `"`, "'", "`", "\\",
	"%", "%n%s", "../../etc/passwd", "=", "&", "a=b&a=c", strings.Repeat("9", 400), strings.Repeat("é", 900), "W/\"1\"", `"1", "2"`, "*", "*, *",
	"Bearer", "Bearer ", "Bearer " + strings.Repeat("A", 5000), "Basic YTpi", "2026-13-45T99:99:99Z", "1-1", "1-", "-", "gzip, br, zstd",
}

var parameters = []string{
	"limit", "cursor", "after", "type", "subject", "version", "comment", "wait", "group", "stream", "offset", "%00", "limit[]", "",
}

var headers = []string{
	"Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "X-Forwarded-For", "Forwarded", "Origin", "Host",
	"Content-Type", "Content-Encoding", "Accept", "Range", "Cookie", "Expect", "Upgrade", "TE", "Trailer", "Access-Control-Request-Method",
	"X-HTTP-Method-Override", "Traceparent", "Content-Location",
}

// spoilers each spoil one thing.
var spoilers = []func(*rand.Rand, *wild){
	func(r *rand.Rand, w *wild) { // a parameter
		w.path += pick(r, []string{"?", "&", "?a=b&"}) + pick(r, parameters) + "=" + escape(r, pick(r, texts))
	},
	func(r *rand.Rand, w *wild) { // a cursor that was not made here
		text := pick(r, []string{"1.", "2.", "", "1.0.0.", "1.-1.5."}) + pick(r, texts)
		w.path += "?" + pick(r, []string{"cursor", "after"}) + "=" + base64.RawURLEncoding.EncodeToString([]byte(text))
	},
	func(r *rand.Rand, w *wild) { // a header
		value := strings.NewReplacer("\x00", "", "\r", "", "\n", "").Replace(pick(r, texts))
		w.header = append(w.header, pick(r, headers)+": "+value)
	},
	func(r *rand.Rand, w *wild) { // many headers
		for i := range 1 + r.IntN(300) {
			w.header = append(w.header, fmt.Sprintf("X-%d: %s", i, strings.Repeat("h", r.IntN(100))))
		}
	},
	func(r *rand.Rand, w *wild) { // a byte that no header may have
		w.header = append(w.header, pick(r, []string{"X-Bad: a\x00b", "X Bad: a", ": a", "X-Bad", "X-Bad: \x7f", "Content-Length: -1", "Transfer-Encoding: chunky"}))
	},
	func(r *rand.Rand, w *wild) { // another method
		w.method = pick(r, []string{"PUT", "TRACE", "CONNECT", "OPTIONS", "HEAD", "POST", "PATCH", "DELETE", "PROPFIND", "get", strings.Repeat("M", 200), "G\x00T"})
	},
	func(r *rand.Rand, w *wild) { // a path that goes astray
		w.path += pick(r, []string{"/", "//", "/..", "/../..", "/%2e%2e/", "/x", "/.", ";a=b", "%", "%%", "\\", strings.Repeat("/a", 2000)})
	},
	func(r *rand.Rand, w *wild) { // bytes changed
		b := []byte(w.body)
		for range min(len(b), 1+r.IntN(6)) {
			b[r.IntN(len(b))] = byte(r.UintN(256))
		}
		w.body = string(b)
	},
	func(r *rand.Rand, w *wild) { // cut off
		if w.body != "" {
			w.body = w.body[:r.IntN(len(w.body))]
		}
	},
	func(r *rand.Rand, w *wild) { // a member that is something else
		value := pick(r, []string{
			"null", "1", "true", "[]", "{}", `""`, "1e400", `"\ud800"`, `"\u0000"`, `["a"]`, `{"a":{}}`, `"` + strings.Repeat("a", 1+r.IntN(30_000)) + `"`,
		})
		if i := strings.LastIndex(w.body, ":"); i > 0 {
			w.body = w.body[:i+1] + value + "}"
		}
	},
	func(r *rand.Rand, w *wild) { // more members, and the same twice
		w.body = strings.TrimSuffix(w.body, "}") + pick(r, []string{
			`,"__proto__":{"admin":true}}`, `,"status":"approved"}`, `,"id":"mine"}`, `,"title":"b","title":"c"}`, `,"":0}`, `,"data":{}}`, `,"source":"comments"}`,
		})
	},
	func(r *rand.Rand, w *wild) { // deep
		n := 1 + r.IntN(20_000)
		w.body = strings.Repeat(pick(r, []string{"[", `{"a":`}), n)
	},
	func(r *rand.Rand, w *wild) { // large
		w.body = `{"title":"` + strings.Repeat(pick(r, []string{"a", "é", `\n`, " "}), 1+r.IntN(150_000)) + `"}`
	},
	func(r *rand.Rand, w *wild) { // noise
		b := make([]byte, r.IntN(4000))
		for i := range b {
			b[i] = byte(r.UintN(256))
		}
		w.body = string(b)
	},
	func(_ *rand.Rand, w *wild) { w.frame = misstated },
	func(_ *rand.Rand, w *wild) { w.frame = chunked },
}

// escape writes a text for a query, now and then without escaping it.
func escape(r *rand.Rand, s string) string {
	if r.IntN(4) == 0 {
		return strings.NewReplacer(" ", "+", "\r", "", "\n", "", "\x00", "%00").Replace(s)
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
