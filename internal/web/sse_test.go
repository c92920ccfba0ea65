package web_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tmaxmax/go-sse"

	"newsfeed/internal/bustest"
	"newsfeed/internal/web"
)

// streaming serves GET /stream with what send sends.
func streaming(t *testing.T, log *slog.Logger, opt web.StreamOptions, send func(*web.Stream) error) running {
	t.Helper()
	streams := web.NewStreams(log, opt)
	rt := web.NewRouter(log)
	rt.Handle(http.MethodGet, "/stream", func(w http.ResponseWriter, r *http.Request) error {
		return streams.Serve(w, r, send)
	})
	return start(t, web.Server{Handler: rt, Log: log, Drain: time.Hour})
}

// untilGone keeps a stream open for as long as its client stays.
func untilGone(s *web.Stream) error { <-s.Context().Done(); return nil }

// flood sends without end and can tell how that goes.
type flood struct {
	sent   atomic.Int64
	stream *web.Stream // once something has been sent
	failed chan struct{}
}

func newFlood() *flood { return &flood{failed: make(chan struct{})} }

func (f *flood) send(s *web.Stream) error {
	defer close(f.failed)
	f.stream = s
	big := web.NewMessage("big", strings.Repeat("x", 1<<20))
	for {
		if err := s.Send(big); err != nil {
			return err
		}
		f.sent.Add(1)
	}
}

// awaitStuck returns when nothing more is sent, because nobody reads it.
func (f *flood) awaitStuck(t *testing.T) {
	t.Helper()
	last, since := f.sent.Load(), time.Now()
	bustest.Eventually(t, 10*time.Second, "the flood is stuck", func() bool {
		if now := f.sent.Load(); now == 0 || now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 300*time.Millisecond
	})
}

func (f *flood) awaitFailed(t *testing.T) {
	t.Helper()
	select {
	case <-f.failed:
	case <-time.After(5 * time.Second):
		t.Fatal("a client that does not read is waited for")
	}
}

// deaf asks for the stream and never reads the answer.
func deaf(t *testing.T, s running) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addrs[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStreamIsServerSentEvents(t *testing.T) {
	s := streaming(t, discard(), web.StreamOptions{Retry: 1500 * time.Millisecond}, func(s *web.Stream) error {
		if err := s.Send(web.NewMessage("hello", s.LastEventID).WithID("1-0")); err != nil {
			return err
		}
		return s.Send(
			web.NewMessage("lines", "one\ntwo\r\nid: 7\rfour"),
			web.NewMessage("bad\nid: 8", "x").WithID("9\ndata: y"))
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url("/stream"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "0-7")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(body, []byte("retry: 1500\n\n")) {
		t.Errorf("begins with %.30q, want the time to wait before connecting again", body)
	}
	var got []sse.Event
	for e, err := range sse.Read(bytes.NewReader(body), nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	want := []sse.Event{
		{LastEventID: "1-0", Type: "hello", Data: "0-7"},
		{LastEventID: "1-0", Type: "lines", Data: "one\ntwo\nid: 7\nfour"},
		{LastEventID: "1-0", Type: "", Data: "x"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is sent is there at once, though the stream goes on, and so are the
// header before anything is sent and the heartbeats after.
func TestStreamKeepsNothingBack(t *testing.T) {
	more := make(chan struct{})
	s := streaming(t, discard(), web.StreamOptions{Heartbeat: 20 * time.Millisecond}, func(s *web.Stream) error {
		<-more
		if err := s.Send(web.NewMessage("tick", "1")); err != nil {
			return err
		}
		return untilGone(s)
	})
	resp, err := get(t, s.url("/stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	close(more)
	in := bufio.NewScanner(resp.Body)
	seen := map[string]int{}
	for (seen[":"] < 3 || seen["data: 1"] == 0) && in.Scan() {
		seen[in.Text()]++
	}
	if seen[":"] < 3 || seen["event: tick"] != 1 || seen["data: 1"] != 1 {
		t.Errorf("read %v, %v", seen, in.Err())
	}
}

// A page sees no comments: to know that its stream lives it needs events.
func TestStreamHeartbeatIsAnEvent(t *testing.T) {
	opt := web.StreamOptions{Heartbeat: 20 * time.Millisecond, HeartbeatEvent: "heartbeat"}
	s := streaming(t, discard(), opt, func(s *web.Stream) error {
		if err := s.Send(web.NewMessage("tick", "1").WithID("1-0")); err != nil {
			return err
		}
		return untilGone(s)
	})
	resp, err := get(t, s.url("/stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got []sse.Event
	for e, err := range sse.Read(resp.Body, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); len(got) == 3 {
			break
		}
	}
	beat := sse.Event{LastEventID: "1-0", Type: "heartbeat", Data: "{}"}
	if diff := cmp.Diff([]sse.Event{{LastEventID: "1-0", Type: "tick", Data: "1"}, beat, beat}, got); diff != "" {
		t.Error(diff)
	}
}

func TestStreamHead(t *testing.T) {
	s := streaming(t, discard(), web.StreamOptions{}, func(*web.Stream) error { t.Error("HEAD opened a stream"); return nil })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.url("/stream"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestStreamCutsOffWhoDoesNotRead(t *testing.T) {
	var log safeBuffer
	f := newFlood()
	s := streaming(t, slog.New(slog.NewTextHandler(&log, nil)), web.StreamOptions{WriteTimeout: 100 * time.Millisecond}, f.send)
	c := deaf(t, s)
	f.awaitFailed(t)
	if _, err := io.Copy(io.Discard, c); err != nil { // it ends, after what the kernel had taken
		t.Logf("the connection ended with %v", err)
	}
	bustest.Eventually(t, 5*time.Second, "the log says so", func() bool { return strings.Contains(log.String(), "did not keep up") })
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("logged as an error:\n%s", log.String())
	}
}

// Neither a stream that is idle nor one whose client does not read holds up a
// server that stops.
func TestStreamEndsWithTheServer(t *testing.T) {
	f := newFlood()
	s := streaming(t, discard(), web.StreamOptions{WriteTimeout: time.Hour}, func(s *web.Stream) error {
		if s.LastEventID == "idle" {
			return untilGone(s)
		}
		return f.send(s)
	})
	deaf(t, s)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url("/stream"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "idle")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	f.awaitStuck(t)
	s.stop()
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the idle stream did not end well: %v", err)
	}
	f.awaitFailed(t)
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}

func TestStreamDrop(t *testing.T) {
	f := newFlood()
	s := streaming(t, discard(), web.StreamOptions{WriteTimeout: time.Hour}, f.send)
	deaf(t, s)
	f.awaitStuck(t)
	f.stream.Drop()
	f.awaitFailed(t)
}

// An error of what fills the stream cuts the connection, so that half is not
// taken for the whole.
func TestStreamFails(t *testing.T) {
	s := streaming(t, discard(), web.StreamOptions{}, func(*web.Stream) error { return errors.New("no more") })
	resp, err := get(t, s.url("/stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("ended as if all were well")
	}
}

// A client that leaves ends the context of its stream.
func TestStreamClientLeaves(t *testing.T) {
	ended := make(chan struct{})
	s := streaming(t, discard(), web.StreamOptions{}, func(s *web.Stream) error { defer close(ended); return untilGone(s) })
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/stream"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	leave()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream goes on")
	}
}
