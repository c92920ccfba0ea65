package query

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

const (
	// maxReplay is how many missed changes are sent to a client that comes again.
	// Beyond it, to read the pages anew is less work for both.
	maxReplay = 1_000
	// replayChunk is how many of them are read, and held, at a time.
	replayChunk = 20
	// maxReplaying is how many clients' missed changes are read at a time.
	maxReplaying = 8
	// startWait is how long a client waits for a service that has just started:
	// browsers do not come again after an answer that is no stream.
	startWait = 2 * time.Second
	// maxTogether is how many changes that wait for a client go out in one write.
	maxTogether = 16
)

// live serves GET /posts/stream.
type live struct {
	hub       *hub
	streams   *web.Streams
	log       *slog.Logger
	replaying chan struct{} // a token for each that is being read
}

// newStreams are streams for pages, which give up one that is silent.
func newStreams(log *slog.Logger, opt web.StreamOptions) *web.Streams {
	opt.HeartbeatEvent = eventHeartbeat
	return web.NewStreams(log, opt)
}

func newLive(h *hub, streams *web.Streams, log *slog.Logger) *live {
	return &live{hub: h, streams: streams, log: log, replaying: make(chan struct{}, maxReplaying)}
}

func (l *live) serve(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-l.hub.started:
	case <-time.After(startWait):
		return web.RetryIn(time.Second, errors.New("changes are not followed yet"))
	case <-r.Context().Done():
		return r.Context().Err()
	}
	return l.streams.Serve(w, r, func(s *web.Stream) error {
		c, from := l.hub.join(s.Drop)
		defer l.hub.leave(c)
		has, err := l.begin(s, from)
		if err == nil {
			err = l.follow(s, c, has)
		}
		if bus.Unavailable(err) && s.Context().Err() == nil {
			l.log.WarnContext(s.Context(), "a stream ends, its client will come again", "error", err, "request_id", web.RequestID(s.Context()))
			return nil
		}
		return err
	})
}

// begin brings a client to where its queue goes on, or further, and returns the
// id up to which it has all.
func (l *live) begin(s *web.Stream, from bus.ID) (has bus.ID, err error) {
	joined := time.Now()
	anew := func(event string) error {
		if err := outlast(s, joined); err != nil {
			return err
		}
		return s.Send(message(event, struct{}{}).WithID(from.String()))
	}
	if s.LastEventID == "" {
		return from, anew(eventHello)
	}
	has, known := parseLastID(s.LastEventID)
	if known {
		known, err = l.near(s, has)
		if err != nil {
			return has, err
		}
	}
	for known && from.After(has) {
		if has, known, err = l.replay(s, has, from); err != nil {
			return has, err
		}
	}
	if !known {
		return from, anew(eventResync)
	}
	return has, nil
}

// outlast waits until no replica gives a page from before a moment. A client that
// is told to read its pages anew gets none that is older than where its stream
// begins, or goes on, whichever replica it asks.
func outlast(s *web.Stream, moment time.Time) error {
	select {
	case <-time.After(time.Until(moment.Add(maxStale))):
		return nil
	case <-s.Context().Done():
		return s.Context().Err()
	}
}

// parseLastID reads the id of a notice as this service writes it, and nothing
// else: what has another form was never sent by it.
func parseLastID(text string) (bus.ID, bool) {
	id, err := bus.ParseID(text)
	return id, err == nil && id.String() == text && id != bus.MaxID // nothing comes after that
}

// near reports whether all changes after an id can be replayed.
func (l *live) near(s *web.Stream, after bus.ID) (bool, error) {
	if err := l.take(s); err != nil {
		return false, err
	}
	defer l.give()
	b := l.hub.store.bus
	missed, err := b.Range(s.Context(), changesStream, after, maxReplay+1)
	if err != nil || len(missed) > maxReplay {
		return false, err
	}
	return b.Holds(s.Context(), changesStream, after)
}

// replay sends the next few changes after an id, up to another. It returns the
// last, or false if some of them are gone.
func (l *live) replay(s *web.Stream, after, upTo bus.ID) (bus.ID, bool, error) {
	messages, last, held, err := l.read(s, after, upTo)
	if err != nil || !held {
		return after, false, err
	}
	return last, true, s.Send(messages...)
}

func (l *live) read(s *web.Stream, after, upTo bus.ID) (messages []web.Message, last bus.ID, held bool, err error) {
	if err := l.take(s); err != nil {
		return nil, after, false, err
	}
	defer l.give()
	ctx, store := s.Context(), l.hub.store
	entries, err := store.bus.Range(ctx, changesStream, after, replayChunk)
	if err != nil {
		return nil, after, false, err
	}
	// Asked after the reading: what is there now was there then.
	if held, err = store.bus.Holds(ctx, changesStream, after); err != nil || !held {
		return nil, after, false, err
	}
	if replacedIn(entries) {
		return nil, after, false, nil
	}
	changes := changesOf(entries)
	seen, err := store.look(ctx, subjectsOf(changes))
	if err != nil {
		return nil, after, false, err
	}
	last = upTo
	if n := len(entries); n == replayChunk || n > 0 && entries[n-1].ID.After(upTo) {
		last = entries[n-1].ID
	}
	for _, c := range changes {
		messages = append(messages, seen[c.about].WithID(c.id.String()))
	}
	return messages, last, true, nil
}

// follow sends what comes into the client's queue, but for what it has.
func (l *live) follow(s *web.Stream, c *client, has bus.ID) error {
	for {
		select {
		case <-s.Context().Done():
			return nil
		case <-c.queue.more:
		}
		var batch []web.Message
		for _, d := range c.queue.take(maxTogether) {
			if d.thing == nil {
				if err := outlast(s, d.since); err != nil {
					return err
				}
			}
			batch, has = d.appendTo(batch, has)
		}
		if len(batch) == 0 {
			continue
		}
		if err := s.Send(batch...); err != nil {
			return err
		}
	}
}

// appendTo adds the message of d for a client that has all up to an id, and
// returns up to where it will then.
func (d delivery) appendTo(batch []web.Message, has bus.ID) ([]web.Message, bus.ID) {
	if d.thing != nil && !d.id.After(has) {
		return batch, has
	}
	return append(batch, d.message()), d.id
}

// take waits for a turn to read what a client has missed.
func (l *live) take(s *web.Stream) error {
	select {
	case l.replaying <- struct{}{}:
		return nil
	case <-s.Context().Done():
		return s.Context().Err()
	}
}

func (l *live) give() { <-l.replaying }
