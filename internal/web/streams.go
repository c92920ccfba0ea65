package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// Streams opens streams of server-sent events (HTML Living Standard, section
// 9.2) and bounds how many there are:
//
//	return streams.Serve(w, r, func(s *web.Stream) error {
//		for m := range messages(s.Context(), s.LastEventID) {
//			if err := s.Send(m); err != nil {
//				return err
//			}
//		}
//		return nil
//	})
type Streams struct {
	log       *slog.Logger
	opt       StreamOptions
	heartbeat []byte

	open *shares
}

// StreamOptions tune [Streams]. The zero value is what the services run with.
type StreamOptions struct {
	// Heartbeat is how often something is sent where there is nothing to tell, so
	// that nobody on the way takes the connection for dead; default 15 s.
	Heartbeat time.Duration
	// HeartbeatEvent is the type of the event that a heartbeat is, with {} for data
	// and no id. The default is a comment, which EventSource keeps to itself: a
	// page cannot tell by it whether the stream still lives.
	HeartbeatEvent string
	// WriteTimeout is how long one write may take before the client is cut off
	// because it does not read; default 10 s.
	WriteTimeout time.Duration
	// Retry is how long the client is told to wait before it connects again;
	// default 2 s.
	Retry time.Duration
	// PerAddress and Total are how many streams may be open at once, from one
	// client and in all; default 100 and 2,000. Wider networks may have several
	// times as many as one client; see [ClientNetworks].
	PerAddress, Total int
}

// StreamConfig is what a service that has streams can be told of them.
type StreamConfig struct {
	StreamsTotal      StreamCount `env:"STREAMS_TOTAL" envDefault:"2000"`
	StreamsPerAddress StreamCount `env:"STREAMS_PER_ADDRESS" envDefault:"100"`
}

// StreamOptions are the options for [NewStreams].
func (c StreamConfig) StreamOptions() StreamOptions {
	return StreamOptions{Total: int(c.StreamsTotal), PerAddress: int(c.StreamsPerAddress)}
}

// StreamCount is how many streams there may be: 1 to 100,000.
type StreamCount int

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *StreamCount) UnmarshalText(text []byte) error {
	count, err := strconv.Atoi(string(text))
	if err != nil || count < 1 || count > 100_000 {
		return errors.New("is not a whole number from 1 to 100000")
	}
	*n = StreamCount(count)
	return nil
}

func (o StreamOptions) withDefaults() StreamOptions {
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.Retry == 0 {
		o.Retry = 2 * time.Second
	}
	if o.PerAddress == 0 {
		o.PerAddress = 100
	}
	if o.Total == 0 {
		o.Total = 2_000
	}
	return o
}

// NewStreams returns Streams that have none open yet. log is told of clients
// that are cut off.
func NewStreams(log *slog.Logger, opt StreamOptions) *Streams {
	heartbeat := []byte(":\n\n")
	if opt.HeartbeatEvent != "" {
		heartbeat = NewMessage(opt.HeartbeatEvent, "{}").body
	}
	opt = opt.withDefaults()
	return &Streams{log: log, opt: opt, heartbeat: heartbeat, open: newShares(opt.Total, opt.PerAddress)}
}

// retryStream is when a client that got no stream may try again.
const retryStream = 10 * time.Second

// Serve opens a stream as the answer to r, at once, and lets send fill it. The
// stream ends when send returns. When the client goes or does not read, or when
// the server is told to stop, the stream's context ends and its Send fails; that
// is nobody's error. Beyond the limits the answer is [ErrTooMany] or 503.
func (s *Streams) Serve(w http.ResponseWriter, r *http.Request, send func(*Stream) error) error {
	leave, err := s.Admit(r)
	if err != nil {
		return err
	}
	defer leave()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx and its kind would keep it back
	header.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	ctx, cancel, err := LongLived(w, r)
	if err != nil {
		return err
	}
	defer cancel()
	st := &Stream{
		LastEventID: r.Header.Get("Last-Event-ID"),
		ctx:         ctx, cut: cancel, opt: s.opt, heartbeat: s.heartbeat, w: w, rc: http.NewResponseController(w),
	}
	err = st.run(send)
	switch {
	case st.tooSlow():
		s.log.InfoContext(ctx, "a client of a stream did not keep up and was cut off",
			"path", r.URL.Path, "client", ClientIP(r), "request_id", RequestID(ctx))
		return nil
	case ctx.Err() != nil:
		return nil
	case err != nil && r.Context().Err() != nil:
		// A stream outlives the time limit of its request, by which the router
		// would take the client for gone and say nothing.
		s.log.ErrorContext(ctx, "stream broken off", "error", err, "request_id", RequestID(ctx))
		return err
	default:
		return err
	}
}

// Open is how many streams there are.
func (s *Streams) Open() int { return s.open.count() }

// Admit counts a stream that r asks for. It is for a handler that passes on the
// stream of another service; [Streams.Serve] does it by itself. Call the function
// when the stream has ended. The error is [ErrTooMany] if the client or a network
// of its has its share, or a 503 if there are no more in all.
func (s *Streams) Admit(r *http.Request) (leave func(), err error) {
	networks := ClientNetworks(r)
	switch no := s.open.enter(networks, shareLifted(r)); {
	case no.full:
		return nil, RetryIn(retryStream, fmt.Errorf("all %d streams are taken", no.held))
	case no.refused():
		return nil, RetryIn(retryStream, fmt.Errorf("%w: %s has %d streams open", ErrTooMany, no.network, no.held))
	}
	leaveService(r) // a stream has a limit of its own
	return func() { s.open.leave(networks) }, nil
}
