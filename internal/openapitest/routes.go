package openapitest

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/web"
)

// Routes fails the test unless the routes that add adds, and the probes, are the
// operations of the service's document.
func Routes(t *testing.T, service string, add func(*web.Router)) {
	t.Helper()
	d, err := Load(service)
	if err != nil {
		t.Fatal(err)
	}
	rt := web.NewRouter(slog.New(slog.DiscardHandler))
	web.NewProbes(nil).Routes(rt)
	rt.Handle("GET", "/metrics", nil) // as internal/telemetry does
	add(rt)
	if diff := cmp.Diff(d.Operations(), rt.Routes()); diff != "" {
		t.Errorf("operations of docs/openapi/%s.yaml and routes (-document +service):\n%s", service, diff)
	}
}
