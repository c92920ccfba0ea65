package event

import (
	"context"
	"regexp"
	"strings"
)

// handling is a context with the id in it: one allocation, where
// [context.WithValue] takes two.
type handling struct {
	context.Context
	id string
}

type contextKey struct{}

// Value implements [context.Context].
func (h *handling) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return h
	}
	return h.Context.Value(key)
}

// NewContext returns a context for the handling of the event with that id, so
// that what is logged meanwhile can name it.
func NewContext(ctx context.Context, id string) context.Context { return &handling{ctx, id} }

// IDFrom returns the id of the event that ctx is for, "" if it is for none.
func IDFrom(ctx context.Context) string {
	if h, ok := ctx.Value(contextKey{}).(*handling); ok {
		return h.id
	}
	return ""
}

// traceParent is the form of a trace context (W3C Trace Context, section 3.2).
var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// ValidTraceParent reports whether s names a trace and a span of it.
func ValidTraceParent(s string) bool {
	return traceParent.MatchString(s) && !strings.HasPrefix(s, "ff") &&
		s[3:35] != strings.Repeat("0", 32) && s[36:52] != strings.Repeat("0", 16)
}
