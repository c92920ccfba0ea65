package web_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"newsfeed/internal/web"
)

// A service that lingers works on: its context lives, new connections are taken,
// requests answered. But the probe says no, and each answer ends its connection.
func TestLinger(t *testing.T) {
	probes := web.NewProbes(func(context.Context) error { return nil })
	rt := web.NewRouter(discard())
	probes.Routes(rt)
	rt.Handle(http.MethodGet, "/posts", func(w http.ResponseWriter, _ *http.Request) error {
		return web.WriteJSON(w, http.StatusOK, "here")
	})
	told, tell := context.WithCancel(t.Context())
	lingering, end := web.Linger(told, probes, time.Hour)
	s := start(t, web.Server{Handler: rt, Probes: probes})
	closes := func(path string) (status int, closing bool) {
		t.Helper()
		resp, err := get(t, s.url(path))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode, resp.Close
	}
	for _, path := range []string{"/posts", "/readyz"} {
		if status, closing := closes(path); status != 200 || closing {
			t.Errorf("before: %s is %d, closing %t; want 200 on a connection that stays", path, status, closing)
		}
	}
	tell()
	until(t, "the probe says no", func() bool { status, _ := closes("/readyz"); return status == 503 })
	for _, path := range []string{"/posts", "/livez", "/nothing"} {
		if status, closing := closes(path); status >= 500 || !closing {
			t.Errorf("lingering: %s is %d, closing %t; want an answer that closes its connection", path, status, closing)
		}
	}
	if lingering.Err() != nil {
		t.Error("the context has ended with the one that it is to outlive")
	}
	end()
	if lingering.Err() == nil {
		t.Error("the context does not end when it is told to")
	}
}

func TestLingerEnds(t *testing.T) {
	for _, d := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			told, tell := context.WithCancel(t.Context())
			lingering, end := web.Linger(told, web.NewProbes(nil), d)
			defer end()
			time.Sleep(time.Minute) // of the bubble's time: nothing happens by itself
			if lingering.Err() != nil {
				t.Fatal("it has ended before it was told to")
			}
			begin := time.Now()
			tell()
			<-lingering.Done()
			if got := time.Since(begin); got != d {
				t.Errorf("ended %s after it was told to, want %s", got, d)
			}
		})
	}
}
