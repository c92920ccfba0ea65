package web_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

// local lists headers of proxies that name nobody but this machine, and another
// nobody but this machine and private networks; foreign lists those that name others.
var (
	localHeaders = [][2]string{
		{"X-Forwarded-For", "127.0.0.1"}, {"X-Forwarded-For", "::1, 127.0.0.1"}, {"X-Real-IP", "127.0.0.1"},
		{"X-Forwarded-Host", "localhost:3000"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "443"},
		{"X-Forwarded-Prefix", "/feed"}, {"Forwarded", `for=127.0.0.1;host=localhost;proto=http, for="[::1]:80"`},
		{"Via", "1.1 localhost"}, {"X-Ip-Country", "ch"}, {"X-Zip", "8001"},
	}
	privateHeaders = [][2]string{
		{"X-Forwarded-For", "172.18.0.1"}, {"X-Real-IP", "fd00::1"}, {"Forwarded", "for=10.0.0.7"}, {"X-Client-IP", "192.168.1.4"},
	}
	foreignHeaders = [][2]string{
		{"X-Forwarded-For", "203.0.113.1"}, {"X-Forwarded-For", "203.0.113.1, 127.0.0.1"}, {"X-Forwarded-For", "127.0.0.1,203.0.113.1:443"},
		{"X-Forwarded-For", ""}, {"X-Forwarded-For", "unknown"}, {"X-Forwarded-For", "127.1"}, {"X-Forwarded-For", "0.0.0.0"},
		{"X-Forwarded-For", "::ffff:203.0.113.1"}, {"X-Forwarded-For", "100.64.0.1"}, {"X_Forwarded_For", "203.0.113.1"},
		{"x-forwarded-for", "2001:db8::1"}, {"X-Original-Forwarded-For", "203.0.113.1"}, {"X-Vercel-Forwarded-For", "203.0.113.1"},
		{"X-Forwarded", "for=203.0.113.1"}, {"Forwarded-For", "203.0.113.1"},
		{"Forwarded", "for=203.0.113.1"}, {"Forwarded", `For="[2001:db8::1]:4711"`}, {"Forwarded", "for=127.0.0.1, for=203.0.113.1"},
		{"Forwarded", "for=unknown"}, {"Forwarded", "for=_hidden"}, {"Forwarded", "for=127.0.0.1;by=203.0.113.43"},
		{"Forwarded", "host=feed.example"}, {"Forwarded", "for"}, {"Forwarded", ""}, {"Forwarded", "for=127.0.0.1;secret=x"},
		{"X-Real-IP", "203.0.113.1"}, {"X_Real_Ip", "203.0.113.1"}, {"X-Client-IP", "203.0.113.1"}, {"X-Cluster-Client-IP", "203.0.113.1"},
		{"CF-Connecting-IP", "203.0.113.1"}, {"CF-Connecting-IPv6", "2001:db8::1"}, {"True-Client-IP", "203.0.113.1"},
		{"Fastly-Client-IP", "203.0.113.1"}, {"Fly-Client-IP", "203.0.113.1"}, {"X-Azure-ClientIP", "203.0.113.1"},
		{"X-Azure-SocketIP", "203.0.113.1"}, {"X-Appengine-User-IP", "203.0.113.1"}, {"X-Envoy-External-Address", "203.0.113.1"},
		{"CloudFront-Viewer-Address", "203.0.113.1:46532"}, {"X-Originating-IP", "[203.0.113.1]"}, {"X-Remote-Addr", "203.0.113.1"},
		{"Client-IP", "203.0.113.1"}, {"WL-Proxy-Client-IP", "203.0.113.1"},
		{"X-Forwarded-Host", "feed.example"}, {"X-Forwarded-Host", "localhost, feed.example"}, {"X-Original-Host", "feed.example"},
		{"X-Forwarded-Server", "proxy.example"}, {"X-Forwarded-Proto", "203.0.113.1"}, {"X-Forwarded-User", "eve"},
		{"X-Forwarded-Client-Cert", "By=spiffe://x"}, {"Via", "1.1 varnish"}, {"Via", "1.1 localhost, 1.1 cdn.example"},
		{"CDN-Loop", "cloudflare"}, {"CF-Ray", "230b030023ae2822-SJC"},
	}
)

func TestGuard_ForwardingHeaders_OnlyRefuse(t *testing.T) {
	type kind struct {
		name              string
		headers           [][2]string
		none, development bool // served without a token, and with the one that everyone knows
	}
	for _, k := range []kind{
		{"local", localHeaders, true, true}, {"private", privateHeaders, false, true}, {"foreign", foreignHeaders, false, false},
	} {
		for _, h := range k.headers {
			name := k.name + " " + h[0] + ": " + h[1]
			r := guarded(func(r *http.Request) { r.Header[h[0]] = []string{h[1]} })
			if err := web.Authorize(r, "BUS_TOKEN", nil); (err == nil) != k.none {
				t.Errorf("%s, no token configured: %v", name, err)
			}
			r.Header.Set("Authorization", "Bearer development")
			if err := web.Authorize(r, "BUS_TOKEN", web.Tokens{"development"}); (err == nil) != k.development {
				t.Errorf("%s, development: %v", name, err)
			} else if err != nil && (!errors.Is(err, web.ErrForbidden) || !strings.Contains(err.Error(), "BUS_TOKEN")) {
				t.Errorf("%s: %v, want a refusal that names the variable", name, err)
			}
			r.Header.Set("Authorization", "Bearer 0123456789abcdef")
			if err := web.Authorize(r, "BUS_TOKEN", web.Tokens{"0123456789abcdef"}); err != nil {
				t.Errorf("%s, a token of one's own: %v", name, err)
			}
		}
	}
}

func TestGuard_DevelopmentToken_NeedsLocalhostAndNearbyClient(t *testing.T) {
	for _, tt := range []struct {
		remote, host, origin string
		want                 bool
	}{
		{"127.0.0.1:1", "localhost:5005", "", true},
		{"[::1]:1", "[::1]:5005", "", true},
		{"172.17.0.1:1", "localhost:5005", "", true},
		{"[fd00::7]:1", "127.0.0.1", "http://localhost:3000", true},
		{"203.0.113.1:1", "localhost:5005", "", false},
		{"[2001:db8::1]:1", "localhost:5005", "", false},
		{"100.64.0.1:1", "localhost:5005", "", false},
		{"", "localhost:5005", "", false},
		{"127.0.0.1:1", "evil.example", "", false},
		{"127.0.0.1:1", "", "", false},
		{"127.0.0.1:1", "localhost", "http://evil.example", false},
		{"127.0.0.1:1", "localhost", "null", false},
	} {
		r := guarded(func(r *http.Request) {
			r.RemoteAddr, r.Host = tt.remote, tt.host
			r.Header.Set("Authorization", "Bearer development")
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
		})
		if got := web.HasToken(r, web.Tokens{"development", "0123456789abcdef"}); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

func TestAuthorizeOwner(t *testing.T) {
	const own, admin = "token of the owner", "token of the admin"
	outside := func(r *http.Request) { r.RemoteAddr = "203.0.113.1:1" }
	here := func(*http.Request) {}
	for _, tt := range []struct {
		name   string
		admin  web.Tokens
		from   func(*http.Request)
		bearer string
		want   error
	}{
		{"no admin, here, no token", nil, here, "", nil},
		{"no admin, outside, no token", nil, outside, "", web.ErrUnauthorized},
		{"no admin, here, forwarded for another", nil, func(r *http.Request) { r.Header.Set("X-Real-IP", "203.0.113.1") }, "", web.ErrUnauthorized},
		{"no admin, here, foreign Host", nil, func(r *http.Request) { r.Host = "evil.example" }, "", web.ErrUnauthorized},
		{"no admin, here, wrong token", nil, here, "wrong", web.ErrUnauthorized},
		{"no admin, outside, the owner", nil, outside, own, nil},
		{"admin, here, no token", web.Tokens{admin}, here, "", web.ErrUnauthorized},
		{"admin, outside, that token", web.Tokens{"another token", admin}, outside, admin, nil},
		{"admin, outside, the owner", web.Tokens{admin}, outside, own, nil},
		{"admin, outside, wrong", web.Tokens{admin}, outside, "wrong", web.ErrUnauthorized},
	} {
		r := guarded(tt.from)
		if tt.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+tt.bearer)
		}
		err := web.AuthorizeOwner(r, tt.admin, func() (bool, error) { return tt.bearer == own, nil })
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	broken := errors.New("no Redis")
	r := guarded(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") })
	if err := web.AuthorizeOwner(r, nil, func() (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("the key cannot be read: %v", err)
	}
}

// A request of which any header names a public address never counts as local,
// whatever stands around it.
func FuzzForwardingHeaders(f *testing.F) {
	for _, h := range foreignHeaders {
		f.Add(h[0], h[1], "", "203.0.113.1")
	}
	f.Add("X-Forwarded-For", "127.0.0.1, ", ", ::1", "2001:db8::1")
	f.Add("Forwarded", `for="[`, `]:80";proto=http`, "2001:db8::1")
	f.Add("X-Forwarded-Host", "localhost,", ":80", "203.0.113.9")
	f.Fuzz(func(t *testing.T, name, before, after, public string) {
		addr, err := netip.ParseAddr(public)
		if err != nil || addr.Zone() != "" {
			t.Skip()
		}
		addr = addr.Unmap()
		if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.IsLoopback() || !web.IsForwarding(name) {
			t.Skip()
		}
		// The address stands for itself, not as a part of something longer.
		if strings.ContainsAny(last(before), "0123456789abcdefABCDEF:.%") || strings.ContainsAny(first(after), "0123456789abcdefABCDEF.%") {
			t.Skip()
		}
		r := guarded(func(r *http.Request) {
			r.Header[name] = []string{before + public + after}
			r.Header.Set("Authorization", "Bearer development")
		})
		if web.HasToken(r, web.Tokens{web.DevelopmentToken}) {
			t.Errorf("%s: %s opens with the token that everyone knows", name, r.Header[name])
		}
		if web.Authorize(r, "BUS_TOKEN", nil) == nil {
			t.Errorf("%s: %s opens without a token", name, r.Header[name])
		}
	})
}

func last(s string) string  { return s[max(0, len(s)-1):] }
func first(s string) string { return s[:min(1, len(s))] }

func TestWrongTokens_AreLimitedPerNetwork_AndValidOnesAreNot(t *testing.T) {
	const token = "0123456789abcdef"
	var log strings.Builder
	seen := map[bool]int{}
	rt := web.NewRouter(slog.New(slog.NewTextHandler(&log, nil)), web.WithWrongTokens(func(_ context.Context, limited bool) { seen[limited]++ }))
	rt.Handle(http.MethodPost, "/", web.Guard("ADMIN_TOKEN", web.Tokens{token}, func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}))
	ask := func(client, bearer string) *httptest.ResponseRecorder {
		r := guarded(func(r *http.Request) { r.RemoteAddr = net.JoinHostPort(client, "1") })
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		return w
	}
	statuses := map[int]int{}
	for n := range 200 {
		w := ask("203.0.113.1", fmt.Sprintf("guess-number-%d", n))
		statuses[w.Code]++
		if w.Code == http.StatusTooManyRequests && (w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Type") != "application/problem+json") {
			t.Fatalf("headers of 429: %v", w.Header())
		}
	}
	if statuses[401] < 30 || statuses[429] < 100 || statuses[401]+statuses[429] != 200 {
		t.Errorf("answers by status: %v", statuses)
	}
	if seen[false] != statuses[401] || seen[true] != statuses[429] {
		t.Errorf("observed by limited: %v, answers %v", seen, statuses)
	}
	for client, bearers := range map[string]map[string]int{
		"203.0.113.1": {token: http.StatusNoContent, "": http.StatusUnauthorized},
		"192.0.2.7":   {"wrong": http.StatusUnauthorized, token: http.StatusNoContent},
	} {
		for bearer, want := range bearers {
			if got := ask(client, bearer).Code; got != want {
				t.Errorf("%s with the token %q: %d, want %d", client, bearer, got, want)
			}
		}
	}
	if text := log.String(); strings.Contains(text, "guess-number") || strings.Count(text, "wrong token") != 1 || !strings.Contains(text, "client=203.0.113.1") {
		t.Errorf("log:\n%s", text[:min(len(text), 2000)])
	}
}
