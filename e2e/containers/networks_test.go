//go:build containers

package containers

import (
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// within reports whether a container can open a connection. It has no input, so that
// whoever it reaches closes it.
func within(t *testing.T, s *stack, from, host, port string) bool {
	t.Helper()
	out, err := exec.Command("docker", "exec", s.name(from), "nc", "-w", "2", host, port).CombinedOutput()
	if err != nil && !regexp.MustCompile("can't connect|bad address|timed out").Match(out) {
		t.Fatalf("%s to %s:%s: %v: %s", from, host, port, err, out)
	}
	return err == nil
}

// networked asks that Redis is reached by the services and by nobody else.
func networked(t *testing.T, s *stack) {
	t.Helper()
	addresses := strings.Fields(inspect(t, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", s.name("redis")))
	if len(addresses) == 0 {
		t.Fatal("Redis has no address")
	}
	for _, host := range append(addresses, "redis") {
		if within(t, s, "frontend", host, "6379") {
			t.Errorf("the front end reaches Redis at %s", host)
		}
	}
	for _, part := range services() {
		port := strconv.Itoa(ports()[part])
		if !within(t, s, part, "redis", "6379") {
			t.Errorf("%s does not reach Redis", part)
		}
		if !within(t, s, "frontend", part, port) {
			t.Errorf("the front end does not reach %s", part)
		}
	}
	if got := docker(t, "network", "inspect", "-f", "{{.Internal}}", s.project+"_data"); got != "true" {
		t.Errorf("internal: %s", got)
	}
}

// memoryLimited asks that every program has nine tenths of its container's memory.
func memoryLimited(t *testing.T, s *stack) {
	t.Helper()
	limit := regexp.MustCompile(`(?m)^go_gc_gomemlimit_bytes (\S+)$`)
	for _, part := range parts() {
		container, err := strconv.ParseFloat(inspect(t, "{{.HostConfig.Memory}}", s.name(part)), 64)
		if err != nil {
			t.Fatal(err)
		}
		m := limit.FindStringSubmatch(s.must(http.StatusOK, "GET", s.url(part)+"/metrics", ""))
		if m == nil {
			t.Errorf("%s does not tell its limit", part)
			continue
		}
		got, err := strconv.ParseFloat(m[1], 64)
		if share := got / container; err != nil || share < 0.899 || share > 0.901 {
			t.Errorf("%s: Go's memory limit is %s of %.0f bytes", part, m[1], container)
		}
	}
}

// Whoever shows metrics shares no network with Redis.
func TestNetworks(t *testing.T) {
	all := compose(t, "COMPOSE_PROFILES=observability").Services
	for _, part := range append(services(), "redis") {
		if _, ok := all[part].Networks["data"]; !ok {
			t.Errorf("%s is not in the network data", part)
		}
	}
	for name, s := range all {
		if name == "redis" || slices.Contains(services(), name) {
			continue
		}
		for network := range all["redis"].Networks {
			if _, shared := s.Networks[network]; shared {
				t.Errorf("%s shares the network %s with Redis", name, network)
			}
		}
	}
	for _, part := range append(services(), "frontend") {
		for network := range all["grafana"].Networks {
			if _, shared := all[part].Networks[network]; shared {
				t.Errorf("grafana shares the network %s with %s", network, part)
			}
		}
	}
}
