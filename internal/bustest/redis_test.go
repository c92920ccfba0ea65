package bustest

import (
	"net"
	"testing"
	"time"
)

// A killed server comes back on its port, though somebody has it for a moment.
func TestRestart(t *testing.T) {
	r := Start(t)
	if r.Port < 20_000 || r.Port >= 32_000 {
		t.Errorf("port %d is one that the system may give to clients", r.Port)
	}
	c := r.Client()
	if err := c.Set(t.Context(), "kept", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	r.Kill()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(500*time.Millisecond, func() { _ = l.Close() })
	r.Restart()
	if got := c.Get(t.Context(), "kept").Val(); got != "1" {
		t.Errorf("kept is %q, want 1", got)
	}
}

func TestPorts(t *testing.T) {
	port := FreePort(t)
	if TakePort(t, port) {
		t.Errorf("port %d is given twice", port)
	}
}
