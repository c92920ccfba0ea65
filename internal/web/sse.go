package web

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tmaxmax/go-sse"
)

// Message is one server-sent event, encoded once for all who get it.
type Message struct {
	id   string
	body []byte
}

// NewMessage returns a message of a type, which pages listen to by that name.
// data is text that is not empty, such as JSON; line ends in it become \n.
func NewMessage(event, data string) Message {
	var m sse.Message
	m.Type, _ = sse.NewType(event) // refuses more than one line, and then there is no type
	m.AppendData(data)
	body, _ := m.MarshalText() // writing to memory does not fail
	return Message{body: body}
}

// Text is the message as it is sent, but for its id.
func (m Message) Text() string { return string(m.body) }

// WithID returns m with an id, which the client sends as Last-Event-ID when it
// connects again. An id that is not one line is left out.
func (m Message) WithID(id string) Message {
	if _, err := sse.NewID(id); err != nil {
		id = ""
	}
	m.id = id
	return m
}

// Stream is one open stream of server-sent events; see [Streams.Serve]. It keeps
// nothing back: what is sent is on its way when Send returns.
type Stream struct {
	// LastEventID is the id of the last message that the client has from an
	// earlier connection, as it says; "" for none.
	LastEventID string

	ctx       context.Context
	cut       context.CancelFunc
	opt       StreamOptions
	heartbeat []byte
	w         http.ResponseWriter
	rc        *http.ResponseController

	dropped atomic.Bool // by Drop

	mu      sync.Mutex // held while writing
	timeout bool       // a write took too long
	ended   bool       // nothing may be written any more
	next    *time.Timer
}

var errEnded = errors.New("the stream has ended")

// Context ends when the stream has to.
func (st *Stream) Context() context.Context { return st.ctx }

// Send writes messages as one and waits until they are on their way, for the
// write time-out at most. After an error there is nothing more to send.
func (st *Stream) Send(messages ...Message) error {
	var buf []byte
	for _, m := range messages {
		if m.id != "" {
			buf = append(append(append(buf, "id: "...), m.id...), '\n')
		}
		buf = append(buf, m.body...)
	}
	return st.write(buf)
}

// Drop cuts off a client that does not keep up, also while a Send waits for it.
// Any goroutine may call it.
func (st *Stream) Drop() {
	st.dropped.Store(true)
	st.cut()
}

// run sends what opens a stream, and then what send has, with heartbeats beside.
func (st *Stream) run(send func(*Stream) error) error {
	// A write that waits for its client must not hold up the end.
	defer context.AfterFunc(st.ctx, func() { _ = st.allow(grace) })()
	if err := st.write([]byte("retry: " + strconv.FormatInt(st.opt.Retry.Milliseconds(), 10) + "\n\n")); err != nil {
		return err
	}
	st.beat()
	defer st.end()
	err := send(st)
	if st.ctx.Err() == nil {
		_ = st.allow(st.opt.WriteTimeout) // for the end of the answer; the last limit may be over
	}
	return err
}

// beat sends a heartbeat in a while, and so on until the end. A timer costs less
// than a goroutine, of which a stream has enough.
func (st *Stream) beat() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended {
		return
	}
	st.next = time.AfterFunc(st.opt.Heartbeat, func() {
		if st.write(st.heartbeat) == nil {
			st.beat()
		}
	})
}

// end waits for a write that is under way, and lets no other follow: the answer
// that it would be part of is over.
func (st *Stream) end() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended = true
	st.next.Stop()
}

// write writes all of p and flushes it. A failure ends the stream.
func (st *Stream) write(p []byte) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.ended {
		return errEnded
	}
	start := time.Now()
	err := st.allow(st.opt.WriteTimeout)
	if st.ctx.Err() != nil {
		// What ended the stream has set its own time limit, perhaps before ours.
		_ = st.allow(grace)
		return st.ctx.Err()
	}
	if err == nil {
		_, err = st.w.Write(p)
	}
	if err == nil {
		err = st.rc.Flush()
	}
	if err != nil {
		st.timeout = errors.Is(err, os.ErrDeadlineExceeded) && time.Since(start) >= st.opt.WriteTimeout
		st.cut()
	}
	return err
}

// allow sets how long writing may take from now on.
func (st *Stream) allow(d time.Duration) error {
	err := st.rc.SetWriteDeadline(time.Now().Add(d))
	if errors.Is(err, http.ErrNotSupported) {
		return nil // no connection, as in tests
	}
	return err
}

// tooSlow reports whether the stream ended because its client did not keep up.
func (st *Stream) tooSlow() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.timeout || st.dropped.Load()
}
