package e2e

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// blackHole returns the address of a collector that takes connections and says
// nothing.
func blackHole(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return "http://" + l.Addr().String()
}

// Where traces cannot be sent, requests are answered and events handled as ever, and
// services stop in time.
func TestCollectorsUnreachable(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]map[string]string{
		"silent":  {"OTEL_EXPORTER_OTLP_ENDPOINT": blackHole(t)},
		"refuses": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:" + strconv.Itoa(bustest.FreePort(t)), "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
	} {
		t.Run(name, func(t *testing.T) {
			// Its queue is soon full.
			maps.Copy(settings, map[string]string{
				"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BSP_MAX_QUEUE_SIZE": "64", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16",
			})
			s := startSystem(t, settings)
			p := s.newPost("First")
			s.awaitPost(p.ID, true)
			var took []time.Duration
			var last comment
			for range 50 {
				begin := time.Now()
				a, err := s.once(commenting(p.ID, "A kind word", "Bea"))
				if err != nil || a.status != http.StatusCreated {
					t.Fatalf("%d %s (%v)", a.status, a.body, err)
				}
				took = append(took, time.Since(begin))
				last = read[comment](s, a)
			}
			s.awaitStatus(last, "approved")
			slices.Sort(took)
			begin := time.Now()
			for _, service := range services {
				s.signal(service, syscall.SIGTERM)
			}
			for _, service := range services {
				for _, replica := range s.replicas[service] {
					replica.awaitExit()
				}
			}
			t.Logf("50 comments, median %s, longest %s; stopped in %s", took[25], took[49], time.Since(begin).Round(time.Millisecond))
			if took[25] > time.Second {
				t.Errorf("it slows things down: requests took %v", took)
			}
		})
	}
}
