package web_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"newsfeed/internal/web"
)

func request(authorization string) *http.Request {
	r := httptest.NewRequest(http.MethodPatch, "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func TestEditKey(t *testing.T) {
	key, other := web.EditKey("key"), web.EditKey("other")
	token := key.Token("post", "7")
	// printf post:7 | openssl dgst -sha256 -hmac key -binary | base64 | tr +/ -_ | tr -d =
	if want := "xbQ110iTjO4b8rtOnqsQpa-gdTzE2dhsx0o3OOal7bs"; token != want {
		t.Errorf("token = %s, want %s", token, want)
	}
	for _, tt := range []struct {
		authorization string
		want          bool
	}{
		{"Bearer " + token, true}, {"bearer  " + token, true},
		{"", false}, {"Bearer", false}, {"Bearer ", false}, {token, false}, {"Basic " + token, false}, {"Bearer " + token + "x", false},
		{"Bearer " + token[1:], false}, {"Bearer " + other.Token("post", "7"), false},
		{"Bearer " + key.Token("comment", "7"), false}, {"Bearer " + key.Token("post", "8"), false},
	} {
		if got := key.Holds(request(tt.authorization), "post", "7"); got != tt.want {
			t.Errorf("%q holds: %v", tt.authorization, got)
		}
	}
}

func TestAuthorKey(t *testing.T) {
	key := web.EditKey("key")
	a := key.AuthorKey("192.0.2.1")
	if len(a) != 32 || a != key.AuthorKey("192.0.2.1") || a == key.AuthorKey("192.0.2.2") || a == web.EditKey("other").AuthorKey("192.0.2.1") {
		t.Errorf("author key %q is not one per key and address", a)
	}
}

func TestHasToken(t *testing.T) {
	for _, tt := range []struct {
		authorization string
		tokens        web.Tokens
		host          string
		want          bool
	}{
		{"Bearer s3cret", web.Tokens{"s3cret"}, "feed.example", true},
		{"Bearer s3cre", web.Tokens{"s3cret"}, "feed.example", false},
		{"Bearer new", web.Tokens{"new", "old"}, "feed.example", true},
		{"Bearer old", web.Tokens{"new", "old"}, "feed.example", true},
		{"Bearer new,old", web.Tokens{"new", "old"}, "feed.example", false},
		{"", web.Tokens{"s3cret"}, "feed.example", false},
		{"Bearer x", nil, "localhost", false},
		{"Bearer ", nil, "localhost", false},
		{"Bearer development", web.Tokens{"development"}, "localhost:5003", true},
		{"Bearer development", web.Tokens{"other", "development"}, "localhost:5003", true},
		{"Bearer development", web.Tokens{"development"}, "feed.example", false},
	} {
		r := request(tt.authorization)
		r.Host, r.RemoteAddr = tt.host, "127.0.0.1:1"
		if got := web.HasToken(r, tt.tokens); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

func TestClientIP(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "[fe80::1%eth0]:80": "fe80::1",
		"[2001:DB8:0::1]:80": "2001:db8::1", "@": "", "": "",
	} {
		r := request("")
		r.RemoteAddr = in
		r.Header.Set("X-Forwarded-For", "198.51.100.9")
		if got := web.ClientIP(r); got != want {
			t.Errorf("ClientIP with %q = %q, want %q", in, got, want)
		}
	}
}

// guarded is a request from and to this machine, changed by change.
func guarded(change func(r *http.Request)) *http.Request {
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5003}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
	r.RemoteAddr, r.Host = "127.0.0.1:4711", "localhost:5003"
	change(r)
	return r
}

func TestGuardWithoutToken(t *testing.T) {
	local := func(a net.Addr) func(*http.Request) {
		return func(r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, a))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	remote := func(a string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = a } }
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   bool
	}{
		{"this machine", func(*http.Request) {}, true},
		{"IPv6", func(r *http.Request) { remote("[::1]:1")(r); host("[::1]:5003")(r) }, true},
		{"mapped client", remote("[::ffff:127.0.0.1]:1"), true},
		{"host without a port", host("LOCALHOST"), true},
		{"IPv6 host without a port", host("[::1]"), true},
		{"127.1.2.3", host("127.1.2.3:1"), true},
		{"own page", set("Origin", "http://localhost:3000"), true},
		{"proxied for this machine", set("X-Forwarded-For", "127.0.0.1, ::1"), true},
		{"no local address", local(nil), false},
		{"other listener", local(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5003}), false},
		{"other client", remote("192.0.2.7:1"), false},
		{"no client", remote(""), false},
		{"rebound host", host("evil.example:5003"), false},
		{"host that begins well", host("localhost.evil.example"), false},
		{"subdomain", host("a.localhost"), false},
		{"no host", host(""), false},
		{"other address as host", host("192.0.2.1:5003"), false},
		{"foreign page", set("Origin", "https://evil.example"), false},
		{"page without an origin", set("Origin", "null"), false},
		{"proxied for another", set("X-Forwarded-For", "127.0.0.1, 192.0.2.7"), false},
		{"proxied for nonsense", set("X-Forwarded-For", "unknown"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := false
			h := web.Guard("ADMIN_TOKEN", nil, func(http.ResponseWriter, *http.Request) error { served = true; return nil })
			err := h(httptest.NewRecorder(), guarded(tt.change))
			if served != tt.want || errors.Is(err, web.ErrForbidden) == tt.want {
				t.Errorf("served %v, error %v; want served %v", served, err, tt.want)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	outside := func(r *http.Request) { r.Host, r.RemoteAddr = "feed.example", "192.0.2.7:1" }
	with := func(token string, change func(*http.Request)) *http.Request {
		r := guarded(change)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return r
	}
	here := func(*http.Request) {}
	for _, tt := range []struct {
		name  string
		token web.Tokens
		r     *http.Request
		want  error
	}{
		{"none, here", nil, with("", here), nil},
		{"none, outside", nil, with("", outside), web.ErrForbidden},
		{"right", web.Tokens{"t"}, with("t", outside), nil},
		{"wrong", web.Tokens{"t"}, with("x", here), web.ErrUnauthorized},
		{"missing", web.Tokens{"t"}, with("", here), web.ErrUnauthorized},
		{"development, host local", web.Tokens{"development"}, with("development", func(r *http.Request) { r.RemoteAddr = "172.17.0.1:1" }), nil},
		{"development, missing", web.Tokens{"development"}, with("", here), web.ErrUnauthorized},
		{"development, outside", web.Tokens{"development"}, with("development", outside), web.ErrForbidden},
		{"another that is also right", web.Tokens{"t"}, with("also", outside), nil},
		{"another, development", web.Tokens{"development"}, with("also", outside), nil},
		{"another, none", nil, with("also", outside), nil},
		{"another that is not configured", web.Tokens{"t"}, with("", outside), web.ErrUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := false
			h := web.Guard("ADMIN_TOKEN", tt.token, func(http.ResponseWriter, *http.Request) error { served = true; return nil }, "also")
			err := h(httptest.NewRecorder(), tt.r)
			if !errors.Is(err, tt.want) || served != (tt.want == nil) {
				t.Errorf("served %v, error %v; want %v", served, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "ADMIN_TOKEN") {
				t.Errorf("%v does not name the variable", err)
			}
		})
	}
}
