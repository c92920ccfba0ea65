package eventbus

import (
	"net/http"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

const (
	// lookAgain is how long a stream waits at most before it asks again whether
	// there is something, in case that nobody tells it, and how long while Redis is away.
	lookAgain = 2 * time.Second
	// maxBatch bounds the messages, and batchBytes about the size, of one write.
	maxBatch   = 100
	batchBytes = 256 << 10
)

// follow sends every event as it comes (server-sent events), from ?after= or
// Last-Event-ID on, else from the beginning. The id of a message is a cursor.
func (a api) follow(w http.ResponseWriter, r *http.Request) error {
	q, err := parseWanted(r)
	if err != nil {
		return err
	}
	// The header is of a client that connects again: it is further than ?after=.
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		var ok bool
		if q.after, ok = parseCursor(last); !ok {
			return notACursor(web.FieldError{Header: "Last-Event-ID"})
		}
	}
	return a.streams.Serve(w, r, func(st *web.Stream) error { return a.send(st, q) })
}

func (a api) send(st *web.Stream, q wanted) error {
	ctx := st.Context()
	reader := a.merge.From(q.after)
	var batch []web.Message
	size := 0
	for ctx.Err() == nil {
		e, ok, err := reader.Next(ctx)
		if bus.Unavailable(err) {
			pause(ctx, lookAgain) // nothing is missed, so the client need not know
			continue
		}
		if err != nil {
			return err
		}
		if text, want := q.encode(e.Event); ok && want {
			batch = append(batch, web.NewMessage("message", string(text)).WithID(cursor(reader.At()).String()))
			size += len(text)
		}
		if len(batch) > 0 && (!ok || len(batch) == maxBatch || size >= batchBytes) {
			if err := st.Send(batch...); err != nil {
				return err
			}
			batch, size = nil, 0
		}
		if !ok {
			reader.Wait(ctx, lookAgain)
		}
	}
	return ctx.Err()
}
