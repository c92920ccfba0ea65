package web

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// seldom lets one warning of each message through in a while, which says how many
// it stands for. An outage fails every request alike, and a line for each would
// bury the log, or fill the disk that may be the reason.
type seldom struct {
	slog.Handler
	every time.Duration

	mu   sync.Mutex
	said map[string]*spell // by message, of which there are few
}

type spell struct {
	last time.Time
	more int
}

// outageEvery is how often a lasting outage is spoken of.
const outageEvery = 10 * time.Second

func newSeldom(h slog.Handler) *seldom {
	return &seldom{Handler: h, every: outageEvery, said: map[string]*spell{}}
}

// Handle implements [slog.Handler].
func (s *seldom) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		more, silent := s.hold(r.Message, r.Time)
		if silent {
			return nil
		}
		if more > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("more_since_the_last_line", more))
		}
	}
	return s.Handler.Handle(ctx, r)
}

// hold reports whether a line is to be left out, or else how many have been.
func (s *seldom) hold(message string, now time.Time) (more int, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.said[message]
	if was == nil {
		was = &spell{}
		s.said[message] = was
	} else if now.Sub(was.last) < s.every {
		was.more++
		return 0, true
	}
	more = was.more
	*was = spell{last: now}
	return more, false
}
