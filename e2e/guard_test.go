package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// guarded is a route that needs a token, and the variable that sets it.
type guarded struct {
	service, path, body, variable string
	free                          bool // open to all while no token is configured
	status                        int  // of what is served
}

var guardedRoutes = []guarded{
	{"moderator", "/moderation/check", `{"content":"A kind word"}`, "ADMIN_TOKEN", false, http.StatusOK},
	{"eventbus", "/events", `{"type":"Greeting","data":{"text":"A kind word"}}`, "BUS_TOKEN", false, http.StatusOK},
	{"posts", "/posts", `{"title":"A post"}`, "POST_TOKEN", true, http.StatusCreated},
}

// way is how a request comes to a service.
type way struct {
	name  string
	from  string // address that the client connects from
	to    string // and to
	proxy bool   // the client connects to a proxy at to, which connects on loopback
	host  string
}

const here = "127.0.0.1"

// local and remote are the ways that a guard without a token lets through, and
// those that it does not. Only the local ones may use the token that everyone knows.
func ways() (local, remote []way) {
	return []way{
			{"this machine", here, here, false, "localhost"},
			{"this machine by address", here, here, false, here},
			{"this machine, by a proxy", here, here, true, "localhost"},
		}, []way{
			{"from outside", outside, outside, false, outside},
			{"from outside, Host made up", outside, outside, false, "localhost"},
			{"from outside to the loopback listener", outside, here, false, "localhost"},
			{"foreign Host", here, here, false, "feed.example"},
			{"from outside, by a proxy", outside, outside, true, "feed.example"},
			{"from outside, by a proxy, Host made up", outside, outside, true, "localhost"},
		}
}

func TestGuards(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	redis := bustest.Start(t)
	local, remote := ways()
	for _, route := range guardedRoutes {
		for _, token := range []string{"", "development", "s3cret-of-16-bytes"} {
			t.Run(route.variable+"="+token, func(t *testing.T) {
				g := startGuarded(t, route, token, redis.URL())
				for _, w := range local {
					g.check(w, true)
				}
				for _, w := range remote {
					g.check(w, false)
				}
				log, err := os.ReadFile(g.process.log)
				if warned := bytes.Contains(log, []byte("known to everyone")); err != nil || warned != (token == "development") {
					t.Errorf("it warns of a token that everyone knows: %v (%v)", warned, err)
				}
			})
		}
	}
}

// guardedService is a service that listens on every interface.
type guardedService struct {
	t       *testing.T
	route   guarded
	token   string
	process *process
	proxy   string // the port of a proxy to it, on every interface
}

func startGuarded(t *testing.T, route guarded, token, redisURL string) *guardedService {
	t.Helper()
	p := newProcess(t, route.service, route.service+"-guarded", redisURL)
	p.env["LISTEN_ADDR"] = ":" + strconv.Itoa(p.port)
	p.env[route.variable] = token
	p.start()
	g := &guardedService{t: t, route: route, token: token, process: p}
	bustest.Eventually(t, patience, "the service is ready", func() bool {
		resp, err := http.Get("http://" + p.addr() + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	t.Cleanup(p.stop)

	// As the front end's: it passes on Host and the client's address.
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: p.addr()})
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(forward)
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	g.proxy = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	return g
}

// check asks on one way without a token, with a wrong one and the right one.
func (g *guardedService) check(w way, local bool) {
	g.t.Helper()
	none, wrong, right := http.StatusUnauthorized, http.StatusUnauthorized, g.route.status
	switch {
	case g.token == "" && (g.route.free || local):
		none, wrong = g.route.status, g.route.status
	case g.token == "":
		none, wrong = http.StatusForbidden, http.StatusForbidden
	case g.token == "development" && !local:
		none, wrong, right = http.StatusForbidden, http.StatusForbidden, http.StatusForbidden
	}
	bearers := map[string]int{"": none, "wrong": wrong, "development": wrong, g.token + "x": wrong}
	if g.token != "" {
		bearers[g.token] = right
	}
	for bearer, want := range bearers {
		status, body := g.ask(w, bearer)
		if status != want {
			g.t.Errorf("%s, token %q: status %d, want %d: %s", w.name, bearer, status, want, body)
		}
		if status >= 400 && !strings.Contains(body, g.route.variable) {
			g.t.Errorf("%s, token %q: the answer does not name %s: %s", w.name, bearer, g.route.variable, body)
		}
	}
}

func (g *guardedService) ask(w way, bearer string) (status int, body string) {
	g.t.Helper()
	port := strconv.Itoa(g.process.port)
	if w.proxy {
		port = g.proxy
	}
	ctx, cancel := context.WithTimeout(g.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+net.JoinHostPort(w.to, port)+g.route.path, strings.NewReader(g.route.body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Host = w.host
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(w.from)}}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		g.t.Fatalf("%s: %v", w.name, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	documented(g.t, g.route.service, resp, []byte(g.route.body), text)
	return resp.StatusCode, string(text)
}
