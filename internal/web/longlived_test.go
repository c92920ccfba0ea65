package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"newsfeed/internal/web"
)

func TestLongLivedEndsAtOnce(t *testing.T) {
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/stream", func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel, err := web.LongLived(w, r)
		if err != nil {
			return err
		}
		defer cancel()
		fmt.Fprintln(w, "hello")
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		<-ctx.Done()
		fmt.Fprintln(w, "bye")
		return nil
	})
	s := start(t, web.Server{Handler: rt, Drain: time.Hour})
	resp, err := get(t, s.url("/stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for _, want := range []string{"hello", "bye"} {
		if !in.Scan() || in.Text() != want {
			t.Fatalf("read %q, want %q", in.Text(), want)
		}
		s.stop()
	}
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}

// A stream outlives the server's read and write time limits.
func TestLongLivedHasNoTimeLimit(t *testing.T) {
	const limit = 30 * time.Millisecond
	rt := web.NewRouter(discard())
	rt.Handle(http.MethodGet, "/stream", func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel, err := web.LongLived(w, r)
		if err != nil {
			return err
		}
		defer cancel()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * limit):
			_, err := fmt.Fprintln(w, "alive")
			return err
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: rt, ReadTimeout: limit, WriteTimeout: limit}
	var g errgroup.Group
	g.Go(func() error { return srv.Serve(l) })
	defer func() { _ = srv.Close(); _ = g.Wait() }()
	resp, err := get(t, "http://"+l.Addr().String()+"/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "alive\n" {
		t.Errorf("read %q, %v", body, err)
	}
}
