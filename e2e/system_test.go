package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// system is two replicas of every service on one Redis.
type system struct {
	t        testing.TB
	redis    *bustest.Redis
	replicas map[string][]*process
	client   *http.Client
	turn     atomic.Int64
}

// startSystem runs the system until the end of the test, and then asks that
// every process stops well and no entry is in the dead letters. Every process gets
// the further settings too.
func startSystem(t testing.TB, settings ...map[string]string) *system {
	t.Helper()
	return startSystemOn(t, bustest.Start(t), settings...)
}

// startSystemOn is startSystem on a Redis that runs.
func startSystemOn(t testing.TB, server *bustest.Redis, settings ...map[string]string) *system {
	t.Helper()
	s := &system{
		t: t, redis: server, replicas: map[string][]*process{},
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	for _, name := range services {
		for i := range 2 {
			p := newProcess(t, name, fmt.Sprintf("%s-%d", name, i), s.redis.URL())
			for _, more := range settings {
				maps.Copy(p.env, more)
			}
			s.replicas[name] = append(s.replicas[name], p)
		}
	}
	t.Cleanup(s.end)
	for _, name := range services {
		s.start(name)
	}
	s.ready(services...)
	return s
}

// start runs every replica of a service; see also ready.
func (s *system) start(service string) {
	s.t.Helper()
	for _, p := range s.replicas[service] {
		p.start()
	}
}

// configure starts every replica of a service again with one more variable.
func (s *system) configure(service, variable, value string) {
	s.t.Helper()
	s.stop(service)
	for _, p := range s.replicas[service] {
		p.env[variable] = value
	}
	s.start(service)
	s.ready(service)
}

// stop stops every replica of a service in good order.
func (s *system) stop(service string) {
	s.t.Helper()
	for _, p := range s.replicas[service] {
		p.stop()
	}
}

// kill ends every replica of a service at once.
func (s *system) kill(service string) {
	for _, p := range s.replicas[service] {
		p.kill()
	}
}

// ready waits until every replica of the services says that it is.
func (s *system) ready(names ...string) {
	s.t.Helper()
	for _, name := range names {
		for _, p := range s.replicas[name] {
			s.eventually(p.env["INSTANCE"]+" is ready", func() string {
				a, err := s.send(p, request{path: "/readyz"})
				if err != nil || a.status != http.StatusOK {
					return fmt.Sprint(a.status, err)
				}
				return ""
			})
		}
	}
}

// patience is how long the system may take to come to where it must.
const patience = 30 * time.Second

// eventually polls until wrong has nothing to say.
func (s *system) eventually(what string, wrong func() string) {
	s.t.Helper()
	bustest.Settles(s.t, patience, what, wrong)
}

func (s *system) end() {
	s.client.CloseIdleConnections()
	if s.t.Failed() {
		return // each process shows its log and is killed
	}
	for _, name := range services {
		for _, p := range s.replicas[name] {
			if p.cmd != nil {
				_ = p.cmd.Process.Signal(syscall.SIGTERM)
			}
		}
	}
	for _, name := range services {
		for _, p := range s.replicas[name] {
			if p.cmd != nil {
				p.awaitExit()
			}
		}
	}
	s.noDeadLetters()
}
