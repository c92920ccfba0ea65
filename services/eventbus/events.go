package eventbus

import (
	"bufio"
	"net/http"
	"time"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

const (
	// maxLimit is the most events that a page has. It also ends, before that,
	// where it has pageBytes: it is put together in memory.
	maxLimit  = 1000
	pageBytes = 4 << 20
	// pagePatience is how long a page may look for its events, less than a request
	// may take.
	pagePatience = 10 * time.Second
	// writePatience is how long a client may take to read a part of all events.
	writePatience = 30 * time.Second
)

// wanted says which events a request asks for.
type wanted struct {
	after        cursor
	typ, subject string
}

func parseWanted(r *http.Request) (q wanted, err error) {
	text, given, err := web.Parameter(r, "after")
	if err != nil {
		return q, err
	}
	if given {
		if q.after, given = parseCursor(text); !given {
			return q, notACursor(web.FieldError{Parameter: "after"})
		}
	}
	if q.typ, _, err = web.Parameter(r, "type"); err != nil {
		return q, err
	}
	q.subject, _, err = web.Parameter(r, "subject")
	return q, err
}

func notACursor(where web.FieldError) error {
	where.Detail = "must be taken unchanged from an answer of this service"
	return &web.Invalid{Fields: []web.FieldError{where}}
}

// encode returns e as JSON if it is asked for. What somebody has written by hand
// and is no event is left out.
func (q wanted) encode(e event.Event) ([]byte, bool) {
	if q.typ != "" && e.Type != q.typ || q.subject != "" && e.Subject != q.subject {
		return nil, false
	}
	text, err := encode(e)
	return text, err == nil
}

// events answers with a JSON array of everything, or with ?limit= of one page.
func (a api) events(w http.ResponseWriter, r *http.Request) error {
	q, err := parseWanted(r)
	if err != nil {
		return err
	}
	limit, err := web.Limit(r, 0, maxLimit)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case r.Method == http.MethodHead:
		(&arrayWriter{w: w}).begin() // not worth reading everything for
		return nil
	case limit > 0:
		return a.page(w, r, q, limit)
	default:
		return a.all(w, r, q)
	}
}

// all streams the array as it is read, however long it is.
func (a api) all(w http.ResponseWriter, r *http.Request, q wanted) error {
	ctx, cancel := web.Unhurried(r) // each write has a time limit of its own
	defer cancel()
	out := &arrayWriter{w: w, rc: http.NewResponseController(w)}
	for e, err := range a.merge.Read(ctx, q.after) {
		if err != nil {
			return err // a problem if nothing was written, else a connection that breaks off
		}
		if text, ok := q.encode(e.Event); ok {
			if err := out.element(text); err != nil {
				return err
			}
		}
	}
	return out.end()
}

// page answers with up to limit events and says where the next page begins. It
// also ends, perhaps with nothing on it, when what is asked for is not found for
// long.
func (a api) page(w http.ResponseWriter, r *http.Request, q wanted, limit int) error {
	var events [][]byte
	size, passed, at, begin := 0, 0, q.after, time.Now()
	for e, err := range a.merge.Read(r.Context(), q.after) {
		if err != nil {
			return err
		}
		text, ok := q.encode(e.Event)
		full := ok && (len(events) == limit || size > 0 && size+len(text) > pageBytes)
		if full || passed > 0 && time.Since(begin) > a.patience {
			web.NextLink(w, r, "after", at.String())
			break
		}
		at = at.passed(e)
		passed++
		if ok {
			events = append(events, text)
			size += len(text)
		}
	}
	out := &arrayWriter{w: w, rc: http.NewResponseController(w)}
	for _, text := range events {
		if err := out.element(text); err != nil {
			return err
		}
	}
	return out.end()
}

// arrayWriter writes a JSON array, an element a line. Each part that it sends has
// a time limit of its own, so that a long array may take as long as it needs but
// a client that does not read is cut off.
type arrayWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf *bufio.Writer // nil until the first element
}

// partSize is how much is sent at a time.
const partSize = 64 << 10

func (a *arrayWriter) element(text []byte) error {
	before := ",\n"
	if a.buf == nil {
		a.begin()
		before = "[\n"
	}
	if _, err := a.buf.WriteString(before); err != nil {
		return err
	}
	_, err := a.buf.Write(text)
	return err
}

func (a *arrayWriter) begin() {
	a.w.Header().Set("Content-Type", "application/json")
	a.w.Header().Set("X-Content-Type-Options", "nosniff")
	a.buf = bufio.NewWriterSize(a, partSize)
}

func (a *arrayWriter) end() error {
	text := "\n]\n"
	if a.buf == nil {
		a.begin()
		text = "[]\n"
	}
	if _, err := a.buf.WriteString(text); err != nil {
		return err
	}
	return a.buf.Flush()
}

// Write implements [io.Writer] for the buffer.
func (a *arrayWriter) Write(p []byte) (int, error) {
	// A writer that is no connection, as in tests, has no limit to set.
	_ = a.rc.SetWriteDeadline(time.Now().Add(writePatience))
	return a.w.Write(p)
}
