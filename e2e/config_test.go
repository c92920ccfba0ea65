package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	const secret = "s3cr3t"
	tests := []struct {
		name  string
		env   map[string]string
		code  int
		names string // what the line must hold
	}{
		{"address without port", map[string]string{"LISTEN_ADDR": "garbage"}, 2, "LISTEN_ADDR"},
		{"port too high", map[string]string{"LISTEN_ADDR": "127.0.0.1:65536"}, 2, "LISTEN_ADDR"},
		{"address with line end", map[string]string{"LISTEN_ADDR": "127.0.0.1:1\n"}, 2, "LISTEN_ADDR"},
		{"no Redis URL", map[string]string{"REDIS_URL": "garbage"}, 2, "REDIS_URL"},
		{"other scheme", map[string]string{"REDIS_URL": "http://:" + secret + "@127.0.0.1"}, 2, "REDIS_URL"},
		{"Redis port", map[string]string{"REDIS_URL": "redis://:" + secret + "@127.0.0.1:port"}, 2, "REDIS_URL"},
		{"Redis database", map[string]string{"REDIS_URL": "redis://:" + secret + "@127.0.0.1:6380/x"}, 2, "REDIS_URL"},
		{"Redis option", map[string]string{"REDIS_URL": "redis://:" + secret + "@127.0.0.1:6380?nonsense=1"}, 2, "REDIS_URL"},
		{"instance", map[string]string{"INSTANCE": "a b"}, 2, "INSTANCE"},
		{"proxies", map[string]string{"TRUSTED_PROXIES": "127.0.0.1,proxy"}, 2, "TRUSTED_PROXIES"},
		{"connections", map[string]string{"MAX_CONNECTIONS": "-1"}, 2, "MAX_CONNECTIONS"},
		{"level", map[string]string{"LOG_LEVEL": "loud"}, 2, "LOG_LEVEL"},
		{"port taken", map[string]string{"LISTEN_ADDR": "127.0.0.1:" + port}, 1, port},
	}
	for _, service := range services {
		for _, tt := range tests {
			t.Run(service+"/"+tt.name, func(t *testing.T) {
				env := map[string]string{
					"LISTEN_ADDR": "127.0.0.1:0", "REDIS_URL": "redis://127.0.0.1:1", "INSTANCE": "one", "LOG_LEVEL": "error",
				}
				for name, value := range tt.env {
					env[name] = value
				}
				code, stderr := runToEnd(t, service, env)
				if code != tt.code {
					t.Errorf("exit %d, want %d", code, tt.code)
				}
				if strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "\n") || !strings.Contains(stderr, tt.names) {
					t.Errorf("standard error is %q, want one line that names %s", stderr, tt.names)
				}
				if strings.Contains(stderr, secret) {
					t.Errorf("standard error shows a password: %q", stderr)
				}
			})
		}
	}
}

// runToEnd runs a service that is expected to end at once.
func runToEnd(t *testing.T, service string, env map[string]string) (code int, stderr string) {
	t.Helper()
	cmd := command(service, env)
	var out bytes.Buffer
	cmd.Stderr = &out
	ctx, cancel := context.WithTimeout(t.Context(), stopLimit)
	defer cancel()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String()
}
