package web_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/web"
)

// answering serves GET /readyz with a status on an address, and returns host:port.
func answering(t *testing.T, addr string, status int) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Skipf("%s cannot be listened on here: %v", addr, err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}

func portOf(t *testing.T, hostPort string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(hostPort)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestCheckHealth(t *testing.T) {
	ready := answering(t, "127.0.0.1:0", http.StatusOK)
	waiting := answering(t, "127.0.0.1:0", http.StatusServiceUnavailable)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, addr string
		port       int
		want       string // a part of the error; "" for none
	}{
		{"ready, by address", ready, 1, ""},
		{"ready, by port", "", portOf(t, ready), ""},
		{"ready, all interfaces", ":" + strconv.Itoa(portOf(t, ready)), 1, ""},
		{"ready, localhost", "localhost:" + strconv.Itoa(portOf(t, ready)), 1, ""},
		{"ready, unspecified IPv6", "[::]:" + strconv.Itoa(portOf(t, ready)), 1, ""},
		{"not ready", waiting, 1, "is not ready (HTTP 503)"},
		{"no one there", closed, 1, "does not answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := web.CheckHealth(t.Context(), tt.addr, tt.port)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCheckHealth_IPv6Only(t *testing.T) {
	addr := answering(t, "[::1]:0", http.StatusOK)
	if err := web.CheckHealth(t.Context(), "", portOf(t, addr)); err != nil {
		t.Error(err)
	}
}

func TestMain_Health(t *testing.T) {
	ready := answering(t, "127.0.0.1:0", http.StatusOK)
	waiting := answering(t, "127.0.0.1:0", http.StatusServiceUnavailable)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		addr string
		code int
		want string // a part of what it says
	}{
		{"ready", []string{"health"}, ready, 0, ""},
		{"not ready", []string{"health"}, waiting, 1, "posts: " + waiting + " is not ready (HTTP 503)\n"},
		{"too many arguments", []string{"health", "now"}, ready, 2, "unknown arguments"},
		{"unknown argument", []string{"--help"}, ready, 2, "posts health or posts --version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), self, tt.args...)
			cmd.Env = append(os.Environ(), "WEB_TEST_MAIN=fail", "LISTEN_ADDR="+tt.addr,
				"HTTP_PROXY=http://192.0.2.1:9", "http_proxy=http://192.0.2.1:9", "NO_PROXY=", "no_proxy=")
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != tt.code || !strings.Contains(string(out), tt.want) {
				t.Errorf("exit %d, said %q; want %d, %q", got, out, tt.code, tt.want)
			}
		})
	}
}
