package moderator

import (
	"context"
	"net/http"
	"slices"
	"time"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// The log is {moderator}:events itself, read backwards: it has who decided, when,
// what, why and the text, and nothing is written twice.

// What a line of the log says was done.
const (
	actVerdict  = "verdict"
	actTakedown = "takedown"
	actBlock    = "block"
	actUnblock  = "unblock"
)

// maxScanned bounds how many verdicts one page of the log looks through, so that
// a filter that finds little does not read the whole stream.
const (
	maxScanned = 5_000
	scanChunk  = 250
)

// logged is a verdict, or what else a moderator did, as the log shows it.
type logged struct {
	Entry     bus.ID       `json:"entry"`
	Time      time.Time    `json:"time"`
	Action    string       `json:"action"`
	CommentID string       `json:"commentId,omitempty"` // not with a takedown
	PostID    string       `json:"postId"`
	Moderator string       `json:"moderator"`
	Status    event.Status `json:"status,omitempty"` // of a verdict
	Reason    string       `json:"reason,omitempty"`
	Note      string       `json:"note,omitempty"`
	Rule      string       `json:"rule,omitempty"`
	Content   *string      `json:"content,omitempty"` // of a verdict
	Version   int64        `json:"version,omitempty"`
	Decision  int64        `json:"decision,omitempty"`
	Block     *loggedBlock `json:"block,omitempty"`
}

// loggedBlock is what a line says of the block that was added or removed.
type loggedBlock struct {
	ID    string    `json:"id"`
	Kind  string    `json:"kind"`
	Key   string    `json:"key"`
	Then  string    `json:"then"`
	Until time.Time `json:"until,omitzero"`
}

// filter says which verdicts a page of the log shows; what is "" matches all.
type filter struct {
	comment, post, moderator, rule, status, action string
	since, until                                   time.Time
}

func (f filter) matches(l logged) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return is(f.comment, l.CommentID) && is(f.post, l.PostID) && is(f.moderator, l.Moderator) &&
		is(f.action, l.Action) && is(f.rule, l.Rule) && is(f.status, string(l.Status)) && (f.until.IsZero() || l.Time.Before(f.until))
}

// log returns up to limit verdicts before an entry, newest first, and the entry to
// go on from, zero at the end. A page can have fewer although there are more.
func (s *store) log(ctx context.Context, f filter, before bus.ID, limit int) (page []logged, from bus.ID, err error) {
	page = []logged{}
	for range maxScanned / scanChunk {
		entries, err := s.bus.RangeBack(ctx, stream, before, scanChunk)
		if err != nil {
			return nil, from, err
		}
		for _, e := range entries {
			before = e.ID
			l, ok := loggedOf(e)
			if ok && l.Time.Before(f.since) {
				return page, bus.ID{}, nil
			}
			if !ok || !f.matches(l) {
				continue
			}
			if page = append(page, l); len(page) == limit {
				return page, before, nil
			}
		}
		if len(entries) < scanChunk {
			return page, bus.ID{}, nil
		}
	}
	return page, before, nil
}

// loggedOf reads a line of the log; false if the entry is none.
func loggedOf(e bus.Entry) (logged, bool) {
	payload, err := e.Decode()
	if err != nil {
		return logged{}, false
	}
	// A foreign moderator is named by its source if it names nobody.
	l := logged{Entry: e.ID, Time: e.ID.Time(), PostID: payload.PostKey(), Moderator: e.Event.Source}
	switch in := payload.(type) {
	case event.CommentModerated:
		l.Action, l.CommentID, l.Status, l.Content = actVerdict, in.ID, *in.Status, in.Content
		set(&l.Moderator, in.Moderator)
		set(&l.Reason, in.Reason)
		set(&l.Note, in.Note)
		set(&l.Rule, in.Rule)
		set(&l.Version, in.Version)
		set(&l.Decision, in.Decision)
	case event.PostTakenDown:
		l.Action = actTakedown
		set(&l.Moderator, in.Moderator)
		set(&l.Reason, in.Reason)
		set(&l.Note, in.Note)
	case event.Block:
		l.Action, l.Block = actBlock, &loggedBlock{ID: in.ID}
		if e.Event.Type == event.TypeBlockRemoved {
			l.Action = actUnblock
		}
		l.Block.read(in)
		set(&l.CommentID, in.CommentID)
		set(&l.Moderator, in.Moderator)
		set(&l.Reason, in.Reason)
	default:
		return logged{}, false
	}
	return l, true
}

// read takes in what the event says of the block.
func (b *loggedBlock) read(in event.Block) {
	b.Kind = kindAuthor
	if in.NetworkKey != nil && in.AuthorKey == nil {
		b.Kind = kindNetwork
	}
	set(&b.Key, in.AuthorKey)
	if b.Kind == kindNetwork {
		set(&b.Key, in.NetworkKey)
	}
	set(&b.Then, in.Then)
	set(&b.Until, in.Until)
}

func (a api) readLog(w http.ResponseWriter, r *http.Request, _ string) error {
	limit, err := web.Limit(r, web.DefaultLimit, web.MaxLimit)
	if err != nil {
		return err
	}
	f, before, err := readFilter(r)
	if err != nil {
		return err
	}
	page, from, err := a.store.log(r.Context(), f, before, limit)
	if err != nil {
		return err
	}
	if !from.IsZero() {
		web.NextLink(w, r, "before", from.String())
	}
	return fresh(w, page)
}

// readFilter reads the query of a request for the log.
func readFilter(r *http.Request) (filter, bus.ID, error) {
	q := query{r: r}
	f := filter{
		comment: q.text("comment"), post: q.text("post"), moderator: q.text("moderator"), rule: q.text("rule"),
		status: q.text("status"), action: q.text("action"), since: q.time("since"), until: q.time("until"),
	}
	if f.status != "" && !slices.Contains([]event.Status{event.Approved, event.Rejected, event.Flagged}, event.Status(f.status)) {
		q.bad("status", "must be approved, rejected or flagged")
	}
	if f.action != "" && !slices.Contains([]string{actVerdict, actTakedown, actBlock, actUnblock}, f.action) {
		q.bad("action", "must be verdict, takedown, block or unblock")
	}
	before := bus.MaxID
	if text := q.text("before"); text != "" {
		var err error
		if before, err = bus.ParseID(text); err != nil {
			q.bad("before", "must be taken unchanged from a Link header")
		}
	}
	return f, before, q.err
}

// query reads parameters and keeps the first error.
type query struct {
	r   *http.Request
	err error
}

func (q *query) text(name string) string {
	value, _, err := web.Parameter(q.r, name)
	if q.err == nil {
		q.err = err
	}
	return value
}

func (q *query) time(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		q.bad(name, "must be a time such as 2026-01-02T15:04:05Z")
	}
	return t
}

func (q *query) bad(name, detail string) {
	if q.err == nil {
		q.err = &web.Invalid{Fields: []web.FieldError{{Parameter: name, Detail: detail}}}
	}
}
