//go:build containers

package containers

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// composed is what Compose makes of the file.
type composed struct {
	Services map[string]struct {
		Image       string
		Environment map[string]*string
		Volumes     []struct{ Type, Source string }
		Networks    map[string]any
	}
}

func compose(t *testing.T, env ...string) composed {
	t.Helper()
	cmd := exec.Command("docker", "compose", "config", "--format", "json")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), env...)
	var c composed
	if err := json.Unmarshal([]byte(output(t, cmd)), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The profile adds what shows metrics and traces, has every service send its traces
// there, and mounts what there is. The images themselves are not run here.
func TestObservabilityProfile(t *testing.T) {
	const variable = "OTEL_EXPORTER_OTLP_ENDPOINT"
	with, without := compose(t, "COMPOSE_PROFILES=observability"), compose(t)
	for _, name := range []string{"prometheus", "grafana", "jaeger"} {
		s, ok := with.Services[name]
		if !ok || !strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest") {
			t.Errorf("%s is %+v", name, s)
		}
		for _, v := range s.Volumes {
			if _, err := os.Stat(v.Source); v.Type == "bind" && err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
		if _, ok := without.Services[name]; ok {
			t.Errorf("%s runs without the profile", name)
		}
	}
	for _, name := range append(services(), "frontend") {
		if got := with.Services[name].Environment[variable]; got == nil || *got != "http://jaeger:4318" {
			t.Errorf("with the profile %s sends its traces to %v", name, got)
		}
		if got := without.Services[name].Environment[variable]; got != nil && *got != "" {
			t.Errorf("without the profile %s sends its traces to %v", name, *got)
		}
	}
}
