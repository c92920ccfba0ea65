package bus

import (
	"slices"
	"strconv"
	"time"

	"newsfeed/internal/event"
)

// Arguments returns what one call of commit.lua with these changes takes, for
// measuring it without the rest of this package.
func Arguments(changes ...Change) (keys []string, args []any) {
	args = header(len(changes))
	for _, c := range changes {
		keys, args = c.encode().appendTo(keys, args)
	}
	return keys, args
}

// maxCount is the most that one character of a shape can say; see commit.lua.
const maxCount = 64

// header returns the first arguments of commit.lua for n changes.
func header(n int) []any {
	names := event.FieldNames()
	args := make([]any, 0, 16+24*n)
	args = append(args, n, len(names), slices.Index(names[:], event.FieldID)+1)
	for _, name := range names {
		args = append(args, name)
	}
	return args
}

// encoded is a change as commit.lua takes it.
type encoded struct{ keys, args []string }

// appendTo adds the change to the arguments of a call. It adds pointers, which
// the client takes as well, because an any that holds a string is an allocation.
func (e encoded) appendTo(keys []string, args []any) ([]string, []any) {
	for i := range e.args {
		args = append(args, &e.args[i])
	}
	return append(keys, e.keys...), args
}

// size is about how many bytes the change puts on the wire.
func (e encoded) size() int {
	n := 0
	for _, s := range e.args {
		n += len(s) + 8
	}
	return n
}

// encode writes the change as commit.lua's header says.
func (c Change) encode() encoded {
	var shape [9]byte
	e := encoded{keys: make([]string, 1, 8), args: make([]string, 1, 24)}
	part := func(i, count int, args ...string) {
		shape[i] = '0' + byte(count) //nolint:gosec // validated
		e.args = append(e.args, args...)
	}
	e.keys[0] = c.Key
	e.args = append(e.args, string(c.Doc))
	part(0, present(c.Field != ""), given(c.Field)...)
	part(1, present(c.Want.Exists()), given(c.Want.fingerprint)...)
	part(2, present(c.TTL > 0), millis(c.TTL)...)
	values := c.values()
	part(3, len(values), values...)
	part(4, 0)
	if c.adopts() {
		part(4, 1, c.Adopted.place(), c.head().String())
	}
	if c.Stream != "" {
		e.keys = append(e.keys, c.Stream)
	}
	part(5, 0)
	if c.Once != nil {
		e.keys = append(e.keys, c.Once.Key)
		part(5, 1, append([]string{c.Once.Value}, millis(c.Once.TTL)...)...)
	}
	note := c.noteArgs()
	part(6, len(note), note...)
	if c.Note != nil {
		e.keys = append(e.keys, c.Note.Stream)
	}
	part(7, len(c.Index))
	for _, x := range c.Index {
		e.keys, e.args = append(e.keys, x.Key), append(e.args, string(x.Verb), x.Member)
	}
	part(8, len(c.Guard))
	for _, g := range c.Guard {
		want := "in"
		if g.Absent {
			want = "out"
		}
		e.keys, e.args = append(e.keys, g.Key), append(e.args, want, g.Member)
	}
	e.args[0] = string(shape[:])
	return e
}

// values are those of the entry to append, without the empty ones at the end.
func (c Change) values() []string {
	if c.Stream == "" {
		return nil
	}
	all := c.Event.Values()
	n := len(all)
	for n > 0 && all[n-1] == "" {
		n--
	}
	return all[:n]
}

func (c Change) noteArgs() []string {
	if c.Note == nil {
		return nil
	}
	args := []string{"MAXLEN", "~", strconv.FormatInt(c.Note.MaxLen, 10), "*"}
	return append(args, c.Note.Fields...)
}

func present(b bool) int {
	if b {
		return 1
	}
	return 0
}

func given(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func millis(d time.Duration) []string {
	if d <= 0 {
		return nil
	}
	return []string{strconv.FormatInt(d.Milliseconds(), 10)}
}
