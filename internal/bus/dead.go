package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/event"
)

// DeadID names a dead letter: the group that could not handle it and the place
// where the entry first stood. A reader that is no consumer group of Redis has a
// name of the form owner/part, and its letters lie under the tag of the owner.
type DeadID struct {
	Group  string `json:"group"`
	Stream string `json:"stream"`
	Entry  ID     `json:"id"`
}

func (d DeadID) field() string { return d.Stream + "/" + d.Entry.String() }

// DeadLetter is an entry that a group gave up.
type DeadLetter struct {
	DeadID
	// Fields are the entry's, whatever they were.
	Fields map[string]string `json:"fields"`
	// Error is why, Attempts how often it was tried, Time when it was given up.
	Error    string    `json:"error"`
	Attempts int       `json:"attempts"`
	Time     time.Time `json:"time"`
}

// DeadQuery chooses dead letters of one group, oldest first.
type DeadQuery struct {
	Group  string
	Offset int // how many to leave out
	Limit  int // at most; default 100
}

const (
	fieldOriginStream = "origin-stream"
	fieldOriginID     = "origin-id"
)

func deadKey(group string) string      { return groupKey(group, ":dead") }
func deadOrderKey(group string) string { return groupKey(group, ":dead:order") }

// RedriveStream is the stream of what the group is to handle again.
func RedriveStream(group string) string { return groupKey(group, ":redrive") }

// groupKey returns a key of the group: {group}:suffix, and {owner}:part:suffix
// for a group owner/part.
func groupKey(group, suffix string) string {
	if owner, part, ok := strings.Cut(group, "/"); ok {
		return "{" + owner + "}:" + part + suffix
	}
	return "{" + group + "}" + suffix
}

// bury makes the task's entry a dead letter. Doing so again changes nothing.
func (c *consumer) bury(ctx context.Context, t *task) error {
	letter := DeadLetter{
		DeadID: DeadID{Group: c.group, Stream: t.entry.Stream, Entry: t.entry.ID},
		Fields: map[string]string{}, Error: t.dead.Error(), Attempts: max(t.attempts, 1), Time: time.Now().UTC(),
	}
	for name, value := range t.message.Values {
		if s, ok := value.(string); ok && name != fieldOriginStream && name != fieldOriginID {
			letter.Fields[name] = s
		}
	}
	if err := c.b.Bury(ctx, letter); err != nil {
		return err
	}
	c.log.ErrorContext(c.logContext(t), "became a dead letter", "id", t.entry.ID.String(), "origin", t.entry.Stream,
		"type", t.entry.Event.Type, "event", t.entry.Event.ID, "attempts", letter.Attempts, "error", t.dead)
	c.observeTask(Died, t, t.dead)
	return nil
}

// logContext is that of the task's last attempt, if there was one.
func (c *consumer) logContext(t *task) context.Context {
	if t.ctx == nil {
		return c.handlerCtx
	}
	return t.ctx
}

// Bury adds a dead letter. Doing so again changes nothing. Consumers do it by
// themselves; it is for those who read without a group.
func (b *Bus) Bury(ctx context.Context, letter DeadLetter) error {
	data, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("bury: %w", err)
	}
	ctx, done := b.Traced(ctx, letter.work(WorkBury))
	err = b.Run(ctx, b.scripts.bury, []string{deadKey(letter.Group), deadOrderKey(letter.Group)},
		letter.field(), data, letter.Time.UnixMilli()).Err()
	done(err)
	return Err("bury "+letter.field(), err)
}

// work is what is done with the letter's entry.
func (d DeadLetter) work(kind WorkKind) Work {
	e, _ := event.Parse(d.Stream, d.Entry.String(), d.Fields) // what cannot be understood has its place all the same
	return Work{Kind: kind, Group: d.Group, Entry: Entry{Stream: d.Stream, ID: d.Entry, Event: e}, Attempt: d.Attempts}
}

// Dead returns dead letters of one group, oldest first.
func (b *Bus) Dead(ctx context.Context, q DeadQuery) ([]DeadLetter, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	names, err := b.client.ZRange(ctx, deadOrderKey(q.Group), int64(q.Offset), int64(q.Offset+limit-1)).Result()
	if err != nil || len(names) == 0 {
		return nil, Err("list dead letters", err)
	}
	return b.lettersOf(ctx, q.Group, names)
}

// DeadLetter returns one dead letter, or [ErrNotFound].
func (b *Bus) DeadLetter(ctx context.Context, id DeadID) (DeadLetter, error) {
	var letter DeadLetter
	s, err := b.client.HGet(ctx, deadKey(id.Group), id.field()).Result()
	if err != nil {
		return letter, Err("dead letter "+id.field(), err)
	}
	if err := json.Unmarshal([]byte(s), &letter); err != nil {
		return letter, fmt.Errorf("dead letter %s: %w", id.field(), err)
	}
	return letter, nil
}

// Redrive sends a dead letter back to the group that failed, and to no other.
// It is [ErrNotFound] if there is none, for example because somebody else has
// sent it back already.
func (b *Bus) Redrive(ctx context.Context, id DeadID) error {
	letter, err := b.DeadLetter(ctx, id)
	if err != nil {
		return err
	}
	args := []any{id.field(), fieldOriginStream, id.Stream, fieldOriginID, id.Entry.String()}
	for _, name := range fieldOrder(letter.Fields) {
		args = append(args, name, letter.Fields[name])
	}
	ctx, done := b.Traced(ctx, letter.work(WorkRedrive))
	err = b.Run(ctx, b.scripts.redrive,
		[]string{deadKey(id.Group), deadOrderKey(id.Group), RedriveStream(id.Group)}, args...).Err()
	done(err)
	return Err("redrive "+id.field(), err)
}

// Drop forgets a dead letter for good, or returns [ErrNotFound].
func (b *Bus) Drop(ctx context.Context, id DeadID) error {
	n, err := b.Run(ctx, b.scripts.drop, []string{deadKey(id.Group), deadOrderKey(id.Group)}, id.field()).Int()
	if err == nil && n == 0 {
		err = redis.Nil
	}
	return Err("drop "+id.field(), err)
}

// fieldOrder returns the names in the order in which events are written, and
// then the rest by name.
func fieldOrder(fields map[string]string) []string {
	names := make([]string, 0, len(fields))
	for _, name := range event.FieldNames() {
		if _, ok := fields[name]; ok {
			names = append(names, name)
		}
	}
	var rest []string
	for name := range fields {
		if !slices.Contains(names, name) {
			rest = append(rest, name)
		}
	}
	slices.SortFunc(rest, strings.Compare)
	return append(names, rest...)
}

// parseRedriven reads an entry of a redrive stream, with the place that it first
// had: what is derived from the place must be as it was.
func parseRedriven(redrive string, m redis.XMessage) (Entry, error) {
	stream, _ := m.Values[fieldOriginStream].(string)
	id, _ := m.Values[fieldOriginID].(string)
	if _, err := ParseID(id); stream == "" || err != nil {
		e, _ := parseEntry(redrive, m)
		return e, fmt.Errorf("%w: redriven entry without its origin", event.ErrMalformed)
	}
	m.ID = id
	return parseEntry(stream, m)
}
