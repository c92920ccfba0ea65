package service

import (
	"log/slog"
	"sync"

	"newsfeed/internal/bus"
)

// counts says how often what happened to entries.
type counts struct {
	mu sync.Mutex
	of map[bus.Happening]int64
}

func newCounts() *counts { return &counts{of: map[bus.Happening]int64{}} }

func (c *counts) add(o bus.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[o.What]++
}

// LogValue implements slog.LogValuer.
func (c *counts) LogValue() slog.Value {
	c.mu.Lock()
	defer c.mu.Unlock()
	var attrs []slog.Attr
	for _, what := range bus.Happenings() {
		if n := c.of[what]; n > 0 {
			attrs = append(attrs, slog.Int64(string(what), n))
		}
	}
	return slog.GroupValue(attrs...)
}
