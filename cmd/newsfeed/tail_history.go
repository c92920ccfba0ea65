package main

import (
	"context"
	"time"

	"newsfeed/internal/bus"
)

// historyPage is how many entries of a stream are read at a time.
const historyPage = 500

// past is what is still to be shown of one stream's history.
type past struct {
	stream string
	after  bus.ID // the last entry read
	end    bus.ID // the last entry of the history
	page   []bus.Entry
}

// history shows what the streams hold up to the ids in end, all streams as one
// in order of time, so that causes come before their effects, or at least near
// enough for order to see to it.
func (t *tailer) history(ctx context.Context, end map[string]bus.ID) error {
	var pasts []*past
	for _, stream := range streams() {
		pasts = append(pasts, &past{stream: stream, end: end[stream]})
	}
	for {
		var first *past
		for _, p := range pasts {
			if err := t.insist(ctx, func() error { return p.fill(ctx, t.bus) }); err != nil {
				return err
			}
			if len(p.page) > 0 && (first == nil || earlier(p.page[0], first.page[0])) {
				first = p
			}
		}
		if first == nil {
			return nil
		}
		now := time.Now()
		if err := t.show(append(t.order.take(first.page[0], now), t.order.due(now)...)); err != nil {
			return err
		}
		first.page = first.page[1:]
	}
}

// fill reads the next page if there is nothing left of the last one.
func (p *past) fill(ctx context.Context, b *bus.Bus) error {
	if len(p.page) > 0 || !p.end.After(p.after) {
		return nil
	}
	page, err := b.Range(ctx, p.stream, p.after, historyPage)
	if err != nil {
		return err
	}
	if len(page) == 0 { // trimmed meanwhile
		p.after = p.end
		return nil
	}
	p.after = page[len(page)-1].ID
	for i, e := range page {
		if e.ID.After(p.end) {
			page = page[:i]
			break
		}
	}
	p.page = page
	return nil
}

// earlier compares the milliseconds of the ids, which are of one clock, and then
// the times that the services noted. The rest of an id counts within its stream.
func earlier(a, b bus.Entry) bool {
	if a.ID.Ms != b.ID.Ms {
		return a.ID.Ms < b.ID.Ms
	}
	return a.Event.Time.Before(b.Event.Time)
}
