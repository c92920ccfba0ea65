package query

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// Text that is taken back while it waits in the queue of a client is not sent.
func TestQueueHoldsNoTextThatWasTakenBack(t *testing.T) {
	r := newReplica(t, bustest.Start(t).Addr())
	var at clock
	c, _ := r.hub.join(func() { t.Error("dropped") })
	defer r.hub.leave(c)
	r.post(at.next(), "p", "post", 1)
	r.comment(at.next(), "p", "c", "outrage", event.Approved, 1)
	r.post(at.next(), "p", "post again", 2)
	r.post(at.next(), "q", "other", 1)
	r.comment(at.next(), "q", "d", "gone", event.Approved, 1)
	queued := func(n int) {
		t.Helper()
		bustest.Eventually(t, 10*time.Second, "the changes are in the queue", func() bool {
			c.queue.mu.Lock()
			defer c.queue.mu.Unlock()
			return len(c.queue.waiting) == n
		})
	}
	queued(5) // rendered with what must not be sent any more
	r.comment(at.next(), "p", "c", "outrage", event.Rejected, 2)
	r.deletePost(at.next(), "q")
	queued(7)
	for _, d := range c.queue.take(7) {
		batch, _ := d.appendTo(nil, bus.ID{})
		text := encode(t, batch[0])
		if strings.Contains(text, "outrage") || strings.Contains(text, "gone") {
			t.Error(text)
		}
	}
}

// encode returns what a stream sends for m.
func encode(t *testing.T, m web.Message) string {
	t.Helper()
	w := httptest.NewRecorder()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := web.NewStreams(nil, web.StreamOptions{}).Serve(w, req, func(s *web.Stream) error { return s.Send(m) }); err != nil {
		t.Fatal(err)
	}
	return w.Body.String()
}

// A client that does not read is cut off; the others notice nothing of it.
func TestStreamDropsWhoDoesNotRead(t *testing.T) {
	r := withoutHub(t, bustest.Start(t, "--appendonly", "no").Addr(), web.StreamOptions{WriteTimeout: time.Hour})
	r.follow()
	var at clock
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /posts/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	clients := func() int {
		r.hub.mu.Lock()
		defer r.hub.mu.Unlock()
		return len(r.hub.clients)
	}
	bustest.Eventually(t, 10*time.Second, "the deaf client is there", func() bool { return clients() == 1 })
	l := r.listen("")
	l.want(eventHello)
	long := strings.Repeat("long ", 4000)
	n := 0
	for deadline := time.Now().Add(60 * time.Second); clients() == 2; n++ {
		if time.Now().After(deadline) {
			t.Fatalf("not dropped after %d changes", n)
		}
		r.post(at.next(), "p"+number(n), long, 1)
		l.want(eventPost)
	}
	t.Logf("dropped after %d changes", n)
	r.post(at.next(), "p", "last", 1)
	if e := l.want(eventPost); !strings.Contains(e.Data, "last") {
		t.Errorf("event %.200s", e.Data)
	}
	// Its answer ends after what the kernel had taken.
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		t.Error("its answer goes on")
	}
	if strings.Contains(string(got), `"last"`) {
		t.Error("it was told everything")
	}
}

// The notices vanish beneath connected clients: they are told to read anew, and
// told of what comes then.
func TestStreamOutlivesItsNotices(t *testing.T) {
	for what, lose := range map[string][]any{
		"flushall": {"FLUSHALL"},
		"deleted":  {"DEL", changesStream},
	} {
		t.Run(what, func(t *testing.T) {
			r := newReplica(t, bustest.Start(t).Addr())
			var at clock
			l := r.listen("")
			l.want(eventHello)
			r.post(at.next(), "p", "before", 1)
			l.want(eventPost)
			if err := r.client.Do(t.Context(), lose...).Err(); err != nil {
				t.Fatal(err)
			}
			r.post(at.next(), "q", "after", 1)
			e := l.want(eventResync)
			if e.LastEventID == "0-0" { // the loss was noticed before the change
				l.want(eventPost)
			}
			r.post(at.next(), "q", "later", 2)
			if e := l.want(eventPost); !strings.Contains(e.Data, "later") {
				t.Errorf("%s", e.Data)
			}
		})
	}
}

// Redis goes away and comes back: the stream stays open and misses nothing.
func TestStreamOutlivesAnOutage(t *testing.T) {
	server := bustest.Start(t)
	r := newReplica(t, server.Addr())
	var at clock
	l := r.listen("")
	l.want(eventHello)
	server.Kill()
	server.Restart()
	r.post(at.next(), "p", "after", 1)
	l.want(eventPost)
}

// Before the changes are followed there is no stream to open.
func TestStreamWhileRedisIsAway(t *testing.T) {
	server := bustest.Start(t)
	r := withoutHub(t, server.Addr(), web.StreamOptions{})
	if status, body := r.get("/posts/stream"); status != http.StatusServiceUnavailable || !strings.Contains(body, "unavailable") {
		t.Errorf("%d %s", status, body)
	}
}

// Who comes while the service starts gets a stream as soon as there is one.
func TestStreamWaitsForTheStart(t *testing.T) {
	r := withoutHub(t, bustest.Start(t).Addr(), web.StreamOptions{})
	opened := make(chan *listener, 1)
	go func() {
		defer close(opened)
		opened <- r.listen("")
	}()
	r.follow()
	if l, ok := <-opened; ok {
		l.want(eventHello)
	}
}

// The in-memory Redis cannot vouch for as much, and so says resync more often.
func TestStreamOnMiniredis(t *testing.T) {
	server := miniredis.RunT(t)
	r := newReplica(t, server.Addr())
	var at clock
	l := r.listen("")
	l.want(eventHello)
	r.post(at.next(), "p", "first", 1)
	l.want(eventResync)
	r.post(at.next(), "p", "second", 2)
	l.want(eventPost)
	r.post(at.next(), "p", "third", 3)
	r.listen(l.last).want(eventPost)
}
