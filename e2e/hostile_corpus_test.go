package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
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
		{"posts", "POST", "/posts/{id}/edit-token", ""},
		{"posts", "DELETE", "/posts/{id}/edit-token", ""},
		{"comments", "POST", "/posts/{id}/comments", `{"content":"c","author":"a"}`},
		{"comments", "GET", "/posts/{id}/comments", ""},
		{"comments", "GET", "/comments/all", ""},
		{"comments", "GET", "/comments/{id}", ""},
		{"comments", "PATCH", "/comments/{id}", `{"content":"c"}`},
		{"comments", "DELETE", "/comments/{id}", ""},
		{"comments", "POST", "/comments/{id}/edit-token", ""},
		{"comments", "DELETE", "/comments/{id}/edit-token", ""},
		{"comments", "GET", "/comments/{id}/stream", ""},
		{"moderator", "POST", "/moderation/check", `{"content":"c","author":"a"}`},
		{"moderator", "GET", "/moderation/queue", ""},
		{"moderator", "POST", "/moderation/queue/{id}/claim", ""},
		{"moderator", "DELETE", "/moderation/queue/{id}/claim", ""},
		{"moderator", "POST", "/moderation/decisions", `{"commentId":"c","version":1,"status":"approved","reason":"r"}`},
		{"moderator", "GET", "/moderation/log", ""},
		{"moderator", "GET", "/moderation/rules", ""},
		{"moderator", "GET", "/moderation/summary", ""},
		{"moderator", "GET", "/moderation/blocks", ""},
		{"moderator", "POST", "/moderation/blocks", `{"commentId":"c","kind":"author","then":"hold"}`},
		{"moderator", "DELETE", "/moderation/blocks/{id}", ""},
		{"moderator", "POST", "/moderation/posts/{id}/takedown", `{"reason":"spam"}`},
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

// hostile makes a request that is wrong in one to three ways, and may be fair in
// all others.
func hostile(r *rand.Rand, route target) []byte {
	req := &wild{
		method: route.method, path: strings.ReplaceAll(route.path, "{id}", pick(r, ids)), body: route.body, version: "HTTP/1.1",
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
	case req.frame == both:
		req.header = append(req.header, "Transfer-Encoding: "+pick(r, []string{"chunked", "chunked", "\tchunked", "CHUNKED", "chunked, chunked"}))
		body = pick(r, []string{fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), body + "0\r\n\r\n", "0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"})
		length = pick(r, []string{"0", "1", length, strconv.Itoa(len(body))})
	}
	if length != "" && (body != "" || req.method != "GET") {
		req.header = append(req.header, "Content-Length: "+length)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\r\n", req.method, req.path, req.version)
	for _, h := range req.header {
		fmt.Fprintf(&b, "%s\r\n", h)
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// wild is a request on its way to be spoiled.
type wild struct {
	method, path, body, version string
	header                      []string
	frame                       framing
}

// framing is how a request says how long its body is.
type framing int

const (
	stated framing = iota
	misstated
	chunked
	both // which a request for an attack on a proxy in front has
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
	"X-HTTP-Method-Override", "Traceparent", "Content-Location", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via", "Connection",
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
	func(r *rand.Rand, w *wild) { // text that is no text
		mark := pick(r, []string{"\ufeff", "\xfe\xff", "\xff\xfe", `\ud800`, `\udc00\ud800`, "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"})
		at := 0
		if w.body != "" && r.IntN(2) == 0 {
			at = r.IntN(len(w.body))
		}
		w.body = w.body[:at] + mark + w.body[at:]
	},
	func(r *rand.Rand, w *wild) { // a target in absolute form
		w.path = pick(r, []string{"http://localhost", "https://localhost:1", "http://feed.example", "http://a:b@localhost", "ftp://localhost", "http://[::1", "http:", "//feed.example"}) + w.path
	},
	func(r *rand.Rand, w *wild) {
		w.version = pick(r, []string{"HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3", "http/1.1", "HTTP/1.1 ", ""})
		if r.IntN(2) == 0 {
			w.header = w.header[1:] // which is Host
		}
	},
	func(r *rand.Rand, w *wild) { // one more host
		w.header = append(w.header, "Host: "+pick(r, []string{"localhost", "feed.example", "", "a, b", "[::1", "localhost:99999", "a/b", "a@b"}))
	},
	func(r *rand.Rand, w *wild) { // headers that are said to be of this connection
		w.header = append(w.header, "X-Forwarded-For: 192.0.2.9", "Forwarded: for=192.0.2.9",
			"Connection: "+pick(r, []string{"X-Forwarded-For", "Forwarded, X-Forwarded-For", "close, Host", "Authorization", "Content-Length", "keep-alive, Upgrade", ",,,"}))
	},
	func(r *rand.Rand, w *wild) { // one more length
		w.header = append(w.header, pick(r, []string{"Content-Length: 0", "Content-Length: 1, 1", "Content-Length: +1"}))
	},
	func(_ *rand.Rand, w *wild) { w.frame = both },
	func(r *rand.Rand, w *wild) { // many ranges
		w.header = append(w.header, "Range: bytes="+strings.Repeat(pick(r, []string{"0-0,", "0-,", "-1,", "5-1,"}), 1+r.IntN(2000))+"0-1")
	},
	func(r *rand.Rand, w *wild) { // a large cookie
		w.header = append(w.header, "Cookie: a="+strings.Repeat(pick(r, []string{"x", "; b=", "="}), 15_000))
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
