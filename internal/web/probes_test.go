package web_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/web"
)

func TestProbes(t *testing.T) {
	var log lines
	var ready error
	rt := web.NewRouter(slog.New(slog.NewTextHandler(&log, nil)))
	probes := web.NewProbes(func(ctx context.Context) error {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Second {
			t.Error("the check has more than a second")
		}
		return ready
	})
	probes.Routes(rt)
	check := func(path string, status int, want string) {
		t.Helper()
		resp := do(t, rt, http.MethodGet, path)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != status || !strings.Contains(string(body), want) || strings.Contains(string(body), "10.0.0.7") {
			t.Errorf("%s: %d %s, want %d with %s", path, resp.StatusCode, body, status, want)
		}
	}
	check("/livez", 200, `{"status":"ok"}`)
	check("/readyz", 200, `{"status":"ok"}`)
	ready = away{}
	check("/livez", 200, `{"status":"ok"}`)
	check("/readyz", 503, `problem:not-ready`)
	ready = nil
	probes.Drain()
	check("/livez", 200, `{"status":"ok"}`)
	check("/readyz", 503, `shutting down`)
	if log.String() != "" {
		t.Errorf("probes are logged:\n%s", log.String())
	}
}
