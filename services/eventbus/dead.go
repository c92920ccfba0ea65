package eventbus

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"regexp"
	"strings"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

// deadLetter is a dead letter as it is shown. ID stays the same for as long as
// there is the letter.
type deadLetter struct {
	ID     string `json:"id"`
	Group  string `json:"group"`
	Stream string `json:"stream"`
	Entry  bus.ID `json:"entry"`
	Type   string `json:"type"`
	// Error is why the group gave it up, Attempts how often it had tried, and
	// Time when that was.
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"`
	Time     time.Time `json:"time"`
	// Fields are those of the stream's entry, whatever they were.
	Fields map[string]string `json:"fields"`
}

func show(l bus.DeadLetter) deadLetter {
	return deadLetter{
		ID: deadID(l.DeadID), Group: l.Group, Stream: l.Stream, Entry: l.Entry, Type: l.Fields["type"],
		Error: l.Error, Attempts: l.Attempts, Time: l.Time, Fields: l.Fields,
	}
}

// deadID is the form of a letter's id for URLs.
func deadID(d bus.DeadID) string {
	return base64.RawURLEncoding.EncodeToString([]byte(d.Group + "\n" + d.Stream + "\n" + d.Entry.String()))
}

// deadName is what the names of groups and streams look like: nothing that
// could make another key of one.
var deadName = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,64}$|^\{[A-Za-z0-9._-]{1,64}\}:[A-Za-z0-9._:-]{1,64}$`)

// parseDeadID reads what deadID has written and nothing else.
func parseDeadID(s string) (bus.DeadID, bool) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	parts := strings.Split(string(text), "\n")
	if err != nil || len(parts) != 3 || !deadName.MatchString(parts[0]) || !deadName.MatchString(parts[1]) {
		return bus.DeadID{}, false
	}
	d := bus.DeadID{Group: parts[0], Stream: parts[1]}
	if d.Entry, err = bus.ParseID(parts[2]); err != nil {
		return bus.DeadID{}, false
	}
	return d, deadID(d) == s
}

// idOf returns the id in the path. A made-up one names nothing.
func idOf(r *http.Request) (bus.DeadID, error) {
	text, err := web.ID(r, "id")
	if err != nil {
		return bus.DeadID{}, err
	}
	id, ok := parseDeadID(text)
	if !ok {
		return id, noLetter(text)
	}
	return id, nil
}

func noLetter(id string) error { return fmt.Errorf("%w: no dead letter %s", web.ErrNotFound, id) }

// found turns the bus's word for an absent letter into that of HTTP.
func found(id bus.DeadID, err error) error {
	if errors.Is(err, bus.ErrNotFound) {
		return noLetter(deadID(id))
	}
	return err
}

func (a api) deadLetter(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	l, err := a.store.bus.DeadLetter(r.Context(), id)
	if err != nil {
		return found(id, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusOK, show(l))
}

// redrive sends a letter back to the group, or subscriber, that gave it up, and
// to no other.
func (a api) redrive(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if err := a.store.bus.Redrive(r.Context(), id); err != nil {
		return found(id, err)
	}
	return web.WriteJSON(w, http.StatusOK, map[string]string{"status": "OK"})
}

func (a api) drop(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	if err := a.store.bus.Drop(r.Context(), id); err != nil {
		return found(id, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// deadQuery says which letters a request asks for; "" is any.
type deadQuery struct{ group, stream, typ string }

func (q deadQuery) wants(l bus.DeadLetter) bool {
	return (q.stream == "" || l.Stream == q.stream) && (q.typ == "" || l.Fields["type"] == q.typ)
}

// deadLetters answers with a page of the letters of all groups, oldest first.
func (a api) deadLetters(w http.ResponseWriter, r *http.Request) error {
	page, err := web.ParsePage(r)
	if err != nil {
		return err
	}
	var q deadQuery
	for name, value := range map[string]*string{"group": &q.group, "stream": &q.stream, "type": &q.typ} {
		if *value, _, err = web.Parameter(r, name); err != nil {
			return err
		}
	}
	var after deadPlace
	if !page.After.IsZero() {
		id, ok := parseDeadID(page.After.ID)
		if !ok {
			return notACursor(web.FieldError{Parameter: "cursor"})
		}
		after = deadPlace{page.After.At.UnixMilli(), id}
	}
	groups, err := a.store.groups(r.Context())
	if err != nil {
		return err
	}
	letters, size := []deadLetter{}, 0
	for l, err := range a.walkDead(r.Context(), groups, q, after) {
		if err != nil {
			return err
		}
		if len(letters) == page.Limit || size > pageBytes {
			last := letters[len(letters)-1]
			web.NextLink(w, r, "cursor", web.Cursor{At: last.Time, ID: last.ID}.String())
			break
		}
		letters = append(letters, show(l))
		size += len(l.Fields["data"])
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.WriteJSON(w, http.StatusOK, letters)
}

// deadPlace is where a letter stands among those of all groups.
type deadPlace struct {
	ms int64
	id bus.DeadID
}

func placeOf(l bus.DeadLetter) deadPlace { return deadPlace{l.Time.UnixMilli(), l.DeadID} }

// compare orders by time, then by group, then as within a group.
func (p deadPlace) compare(other deadPlace) int {
	return cmp.Or(cmp.Compare(p.ms, other.ms), cmp.Compare(p.id.Group, other.id.Group),
		cmp.Compare(p.id.Stream+"/"+p.id.Entry.String(), other.id.Stream+"/"+other.id.Entry.String()))
}

// walkDead yields the letters of the groups behind a place, all groups as one.
func (a api) walkDead(ctx context.Context, groups []string, q deadQuery, after deadPlace) iter.Seq2[bus.DeadLetter, error] {
	return func(yield func(bus.DeadLetter, error) bool) {
		var walks []*deadWalk
		for _, group := range groups {
			if q.group != "" && q.group != group {
				continue
			}
			next, stop := iter.Pull2(a.store.bus.WalkDead(ctx, group, after.ms))
			defer stop()
			walks = append(walks, &deadWalk{next: next, q: q, after: after})
		}
		for {
			var first *deadWalk
			for _, w := range walks {
				if !w.fill() {
					continue
				}
				if w.err != nil {
					yield(bus.DeadLetter{}, w.err)
					return
				}
				if first == nil || placeOf(w.head).compare(placeOf(first.head)) < 0 {
					first = w
				}
			}
			if first == nil || !yield(first.head, nil) {
				return
			}
			first.full = false
		}
	}
}

// deadWalk is the letters of one group that are asked for.
type deadWalk struct {
	next  func() (bus.DeadLetter, error, bool)
	q     deadQuery
	after deadPlace

	head bus.DeadLetter
	err  error
	full bool // head, or err, is the next
}

// fill reads the next letter if there is none at hand, and reports whether there
// is one.
func (w *deadWalk) fill() bool {
	for !w.full {
		var ok bool
		if w.head, w.err, ok = w.next(); !ok {
			return false
		}
		w.full = w.err != nil || w.q.wants(w.head) && placeOf(w.head).compare(w.after) > 0
	}
	return true
}
