package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// programs is the directory that holds what is measured from outside, built for
// the run.
type programs string

// buildPrograms builds the project's commands and the bare servers.
func buildPrograms(ctx context.Context, root, dir string) (programs, error) {
	for _, b := range []struct{ in, what string }{{root, "./cmd/..."}, {filepath.Join(root, "bench"), "./bare"}} {
		cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", dir+string(filepath.Separator), b.what) //nolint:gosec // own arguments
		cmd.Dir, cmd.Stderr = b.in, os.Stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("build %s: %w", b.what, err)
		}
	}
	return programs(dir), nil
}

// service starts one of the project's services on a free port, with the options
// that it has by default, and returns when it is ready.
func (s *stage) service(ctx context.Context, name string, db database) (*process, error) {
	p := &process{name: name, addr: freeAddr(ctx)}
	p.cmd = exec.Command(filepath.Join(string(s.programs), name)) //nolint:gosec,noctx // built here; ended by stop
	p.cmd.Env = []string{
		"REDIS_URL=" + db.url(), "LISTEN_ADDR=" + p.addr, "INSTANCE=bench", "LOG_LEVEL=warn",
		"RATE_LIMIT=off", // all load has one address
		"STREAMS_PER_ADDRESS=2000",
	}
	if err := s.start(p); err != nil {
		return nil, err
	}
	return p, p.await(ctx, func() bool { return status(ctx, p.url()+"/readyz") == http.StatusOK })
}

// bare starts a net/http server that does no more than it must; see bench/bare.
func (s *stage) bare(ctx context.Context, args ...string) (*process, error) {
	p := &process{name: "bare", addr: freeAddr(ctx)}
	p.cmd = exec.Command(filepath.Join(string(s.programs), "bare"), append([]string{"-addr", p.addr}, args...)...) //nolint:gosec,noctx // built here
	if err := s.start(p); err != nil {
		return nil, err
	}
	return p, p.await(ctx, func() bool { return status(ctx, p.url()+"/readyz") != 0 })
}

const nginxConfig = `daemon off;
worker_processes auto;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/json;
  client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  %[3]s
  server { listen %[2]s; root %[1]s/www; }
}
`

// nginxBest are settings that nginx's documentation names for static files.
const nginxBest = "sendfile on; tcp_nopush on; keepalive_requests 10000000; open_file_cache max=100;"

// nginx serves body at /posts, with further settings.
func (s *stage) nginx(ctx context.Context, body []byte, best string) (*process, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // Debian's, which is not on everybody's PATH
	}
	dir, err := s.dir()
	if err != nil {
		return nil, err
	}
	p := &process{name: "nginx", addr: freeAddr(ctx)}
	www, config := filepath.Join(dir, "www"), filepath.Join(dir, "nginx.conf")
	// Its workers may run as another user.
	if err := os.Mkdir(www, 0o755); err != nil { //nolint:gosec // as said
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // as said
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(www, "posts"), body, 0o644); err != nil { //nolint:gosec // as said
		return nil, err
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, p.addr, best), 0o600); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(program, "-c", config, "-p", dir) //nolint:gosec,noctx // own arguments; ended by stop
	if err := s.start(p); err != nil {
		return nil, err
	}
	return p, p.await(ctx, func() bool { return status(ctx, p.url()+"/posts") == http.StatusOK })
}

// status of a GET, 0 if nobody answers.
func status(ctx context.Context, url string) int {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// version is the first line of what a program says of itself, "" if it is not there.
func version(ctx context.Context, name string, args ...string) string {
	out, _ := exec.CommandContext(ctx, name, args...).CombinedOutput() //nolint:gosec // own arguments
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
