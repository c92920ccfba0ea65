//go:build containers

package containers

import (
	"net/http"
	"testing"
)

// Behind a proxy on this machine each visitor is one client, and nobody is another by
// what they say of themselves.
func TestVisitorsBehindAProxy(t *testing.T) {
	s := newStack(t)
	s.env = append(s.env, "RATE_LIMIT=1/h")
	s.up()
	post := func(forwardedFor string) int {
		status, text, err := s.ask("POST", s.url("frontend")+"/api/posts/posts", `{"title":"From a visitor"}`, "X-Forwarded-For", forwardedFor)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d %s", forwardedFor, status, text)
		return status
	}
	for _, tt := range []struct {
		forwardedFor string
		want         int
	}{
		{"203.0.113.1", http.StatusCreated},
		{"203.0.113.1", http.StatusTooManyRequests},
		{"203.0.113.2", http.StatusCreated},
		{"203.0.113.3, 203.0.113.2", http.StatusTooManyRequests}, // the last is the proxy's word
	} {
		if got := post(tt.forwardedFor); got != tt.want {
			t.Errorf("a post for %s: status %d, want %d", tt.forwardedFor, got, tt.want)
		}
	}
}
