package e2e

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// stopLimit is how long a service may take to end after SIGTERM.
const stopLimit = 10 * time.Second

// process is one replica of a service. It keeps its name, port and log over
// restarts, and is ended with the test.
type process struct {
	t       testing.TB
	service string
	port    int
	env     map[string]string
	program string // another than the one that was built for all tests, if set
	log     string // path of the file that holds what it wrote
	expects string // what its errors may speak of; "" lets it have none

	cmd    *exec.Cmd // nil while it does not run
	exited chan error
}

// newProcess returns a replica that does not run yet.
func newProcess(t testing.TB, service, instance, redisURL string) *process {
	t.Helper()
	p := &process{t: t, service: service, port: bustest.FreePort(t), log: filepath.Join(t.TempDir(), instance+".log")}
	p.env = map[string]string{
		"REDIS_URL": redisURL, "LISTEN_ADDR": p.addr(), "INSTANCE": instance, "LOG_LEVEL": "warn",
		"RATE_LIMIT": "off", // all clients of the tests have one address
	}
	t.Cleanup(p.close)
	return p
}

func (p *process) addr() string { return "127.0.0.1:" + strconv.Itoa(p.port) }

// start runs the program; again, if it was ended before.
func (p *process) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := command(p.service, p.env)
	if p.program != "" {
		cmd.Path = p.program
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.cmd, p.exited = cmd, make(chan error, 1)
	go func() { p.exited <- cmd.Wait() }()
}

// command runs a program with these environment variables and no others.
func command(service string, env map[string]string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(programs, service))
	cmd.Env = []string{} // nil would be the environment of the tests
	for name, value := range maps.All(env) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// kill ends the process with SIGKILL, as a power cut would.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	if err := <-p.exited; err == nil {
		p.t.Logf("%s had ended by itself when it was to be killed", p.env["INSTANCE"])
	}
	p.cmd = nil
}

// stop asks the process to end, and fails the test if it does not in time and
// with 0.
func (p *process) stop() {
	p.t.Helper()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.awaitExit()
}

func (p *process) awaitExit() {
	p.t.Helper()
	select {
	case err := <-p.exited:
		p.cmd = nil
		if err != nil {
			p.t.Errorf("%s ended after SIGTERM with %v, want 0", p.env["INSTANCE"], err)
		}
	case <-time.After(stopLimit):
		p.t.Errorf("%s still runs %s after SIGTERM", p.env["INSTANCE"], stopLimit)
		p.kill()
	}
}

// close ends the process and shows its log if the test has failed. What must
// never be in a log fails the test.
func (p *process) close() {
	p.kill()
	log, err := os.ReadFile(p.log)
	if err != nil {
		return // never started
	}
	for line := range bytes.Lines(log) {
		wrong := bytes.Contains(line, []byte(`"level":"ERROR"`)) && (p.expects == "" || !bytes.Contains(line, []byte(p.expects)))
		if wrong || bytes.Contains(line, []byte("DATA RACE")) || bytes.Contains(line, []byte("panic")) {
			p.t.Errorf("in the log of %s: %s", p.env["INSTANCE"], line)
		}
	}
	if p.t.Failed() {
		p.t.Logf("log of %s:\n%s", p.env["INSTANCE"], log[max(0, len(log)-4000):])
	}
}
