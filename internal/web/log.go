package web

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// NewLogger returns a logger that names the service in every line: text if w is
// a terminal, else JSON.
func NewLogger(w io.Writer, service string, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(w, opts)
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		handler = slog.NewTextHandler(w, opts)
	}
	return slog.New(handler).With("service", service)
}
