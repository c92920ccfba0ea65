package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

// varying is what differs from run to run, and what stands for it. Columns of
// ages are not wider than their heads.
var varying = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`), "<time>"},
	{regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3}  `), "<clock>       "},
	{regexp.MustCompile(` *[+-]\d+ ms`), " +<n> ms"},
	{regexp.MustCompile(`([ \n]|\x1b\[\d\dm)\d+[smhd]((?:\x1b\[0m)?) {2,}`), "${1}<ago>${2}  "},
	{regexp.MustCompile(`(?m) \d+[smhd]( ago|:| \(|"|$)`), " <ago>$1"},
	{regexp.MustCompile(`("(?:idleMs|oldestPendingMs)": )\d+`), "$1<ms>"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:<port>"},
	{regexp.MustCompile(`127\.0\.0\.1 -p \d+`), "127.0.0.1 -p <port>"},
	{regexp.MustCompile(`\d+\.\d+\.\d+ at `), "<version> at "},
	{regexp.MustCompile(`\d+ MB`), "<n> MB"},
}

// standing is varying for entries and events that a test did not name itself:
// they are numbered as they come, so that it shows which are the same.
var standing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "<uuid %d>"},
	{regexp.MustCompile(`\b\d{13}-\d+\b`), "<entry %d>"},
}

// steady replaces what varies. Where two such things stand side by side, the first
// match takes the space that the second begins with, so it looks again.
func steady(text string) string {
	for _, v := range varying {
		for before := ""; before != text; {
			before, text = text, v.pattern.ReplaceAllString(text, v.with)
		}
	}
	return text
}

func numbered(text string) string {
	for _, s := range standing {
		known := map[string]string{}
		text = s.pattern.ReplaceAllStringFunc(text, func(found string) string {
			if known[found] == "" {
				known[found] = fmt.Sprintf(s.with, len(known)+1)
			}
			return known[found]
		})
	}
	return text
}

// console calls commands as a shell would, and notes what they write.
type console struct {
	t        *testing.T
	environ  map[string]string
	terminal bool // whether standard output is one
	written  strings.Builder
}

func newConsole(t *testing.T, r *bustest.Redis) *console {
	return &console{t: t, environ: map[string]string{"REDIS_URL": r.URL()}}
}

// run calls newsfeed with the arguments, and returns what it wrote to standard
// output and its exit code.
func (c *console) run(args ...string) (out string, code int) {
	c.t.Helper()
	return c.runUntil(nil, args...)
}

// runUntil is run for a command that goes on until it is told to end, which it is
// once it has written enough.
func (c *console) runUntil(enough func(out string) bool, args ...string) (out string, code int) {
	c.t.Helper()
	var errOut bytes.Buffer
	var err error
	execute := func(w io.Writer, written *bustest.Buffer) {
		ctx, stop := context.WithCancel(c.t.Context())
		defer stop()
		cmd := newRoot(c.environ)
		cmd.SetOut(w)
		cmd.SetErr(&errOut)
		cmd.SetArgs(args)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			err = cmd.ExecuteContext(ctx)
		}()
		if enough != nil {
			defer func() { <-ended }() // also when Eventually ends the test
			defer stop()
			bustest.Eventually(c.t, tailPatience, "newsfeed "+strings.Join(args, " ")+" writes enough", func() bool { return enough(written.String()) })
			return
		}
		<-ended
	}
	if c.terminal {
		out = onTerminal(c.t, func(tty *os.File, shown *bustest.Buffer) { execute(tty, shown) })
	} else {
		var b bustest.Buffer
		execute(&b, &b)
		out = b.String()
	}
	code = web.ExitCode(err)
	said := errOut.String()
	if err != nil {
		said += "newsfeed: " + err.Error() + "\n"
	}
	fmt.Fprintf(&c.written, "$ newsfeed %s\n%s", strings.Join(args, " "), out)
	for line := range strings.Lines(said) {
		c.written.WriteString("! " + line)
	}
	if code != 0 {
		fmt.Fprintf(&c.written, "! exit code %d\n", code)
	}
	c.written.WriteString("\n")
	return out, code
}

// onTerminal returns what call writes to a terminal, which shows it at once.
func onTerminal(t *testing.T, call func(tty *os.File, shown *bustest.Buffer)) string {
	t.Helper()
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	var b bustest.Buffer
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(&b, screen) // ends with an error, once nobody has the terminal open
		close(done)
	}()
	call(tty, &b)
	_ = tty.Close()
	<-done
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

// golden compares all that was written with the file of that name.
func (c *console) golden(name string, normal ...func(string) string) {
	c.t.Helper()
	got := steady(c.written.String())
	for _, f := range normal {
		got = f(got)
	}
	golden(c.t, name, strings.ReplaceAll(got, "\x1b", "␛"))
}

// golden compares got with the file of that name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "operator", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// scene is a feed in every state that the commands can show.
type scene struct {
	t      *testing.T
	client *redis.Client
	bus    *bus.Bus
}

// uuidAt returns the id of an event made at noon and so many milliseconds.
func uuidAt(ms int) string {
	at := fmt.Sprintf("%012x", noon.UnixMilli()+int64(ms))
	return fmt.Sprintf("%s-%s-7000-8000-%012d", at[:8], at[8:], ms)
}

func entryAt(ms int) bus.ID { return bus.ID{Ms: uint64(noon.UnixMilli() + int64(ms))} }

// add appends an event of noon and ms; cause is the time of its cause, -1 for none.
func (s *scene) add(source, typ string, ms, cause, first int, data string) {
	s.t.Helper()
	e := event.Event{
		Type: typ, Data: json.RawMessage(data), ID: uuidAt(ms), Source: source, Subject: "p1",
		Time: noon.Add(time.Duration(ms) * time.Millisecond), CorrelationID: uuidAt(first),
	}
	if cause >= 0 {
		e.CausationID = uuidAt(cause)
	}
	s.write(event.Stream(source), ms, e.Fields()...)
}

func (s *scene) write(stream string, ms int, fields ...string) {
	s.t.Helper()
	s.do("XADD", append([]any{stream, entryAt(ms).String()}, anys(fields)...)...)
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}

func (s *scene) do(name string, args ...any) {
	s.t.Helper()
	if err := s.client.Do(context.Background(), append([]any{name}, args...)...).Err(); err != nil {
		s.t.Fatalf("%s %v: %v", name, args, err)
	}
}

// read lets a consumer read n entries of a stream and acknowledge some of them.
func (s *scene) read(stream, group, consumer string, n int, done ...int) {
	s.t.Helper()
	s.do("XGROUP", "CREATE", stream, group, "0", "MKSTREAM")
	s.do("XREADGROUP", "GROUP", group, consumer, "COUNT", n, "STREAMS", stream, ">")
	for _, ms := range done {
		s.do("XACK", stream, group, entryAt(ms).String())
	}
}

func (s *scene) bury(group, stream string, ms, attempts int, why string, fields ...string) bus.DeadID {
	s.t.Helper()
	l := bus.DeadLetter{
		DeadID: bus.DeadID{Group: group, Stream: stream, Entry: entryAt(ms)}, Fields: map[string]string{},
		Error: why, Attempts: attempts, Time: noon.Add(time.Duration(ms+5000) * time.Millisecond),
	}
	for ; len(fields) > 1; fields = fields[2:] {
		l.Fields[fields[0]] = fields[1]
	}
	if err := s.bus.Bury(context.Background(), l); err != nil {
		s.t.Fatal(err)
	}
	return l.DeadID
}

const (
	postsStream, commentsStream, moderatorStream = "{posts}:events", "{comments}:events", "{moderator}:events"
	created, judged, updated                     = 1000, 1003, 1005 // the chain of a rejected comment
)

// newScene makes a post; a comment that was rejected; entries written by hand,
// unknown and broken; groups that are done, behind, paused, dead, gone.
func newScene(t *testing.T, r *bustest.Redis) *scene {
	t.Helper()
	s := &scene{t: t, client: r.Client(), bus: newTestBus(t, r)}
	const text = `"postId":"p1","id":"c1","content":"pure racism","author":"eve","version":1`
	s.add(event.Posts, event.TypePostCreated, 0, -1, 0, `{"id":"p1","title":"Hello","author":"ann","version":1}`)
	s.write(postsStream, 60_000, "type", event.TypePostCreated, "data", `{"id":"p2","title":"By hand"}`)
	s.write(postsStream, 61_000, "type", event.TypePostCreated, "data", `{"id":`)
	s.add(event.Posts, "PostPraised", 62_000, -1, 62_000, `{"id":"p1"}`)
	s.add(event.Comments, event.TypeCommentCreated, created, -1, created, `{`+text+`,"status":"pending"}`)
	s.add(event.Moderator, event.TypeCommentModerated, judged, created, created,
		`{"postId":"p1","id":"c1","content":"pure racism","status":"rejected","reason":"contains a banned word","moderator":"rules","version":1,"decision":1}`)
	s.add(event.Comments, event.TypeCommentUpdated, updated, judged, created, `{`+text+`,"status":"rejected"}`)
	s.add(event.Comments, event.TypeCommentCreated, 2000, -1, 2000, `{"postId":"p1","id":"c2","content":"nice","status":"pending"}`)

	s.read(postsStream, event.Comments, "comments-1", 1, 0)
	s.read(postsStream, event.Query, "query-1", 3, 0, 61_000)
	s.do("XCLAIM", postsStream, event.Query, "query-1", 0, entryAt(60_000).String(), "IDLE", 150_000, "RETRYCOUNT", 3)
	s.do("XGROUP", "CREATECONSUMER", postsStream, event.Query, "query-0")
	s.read(commentsStream, event.Comments, "comments-1", 3, created, updated, 2000)
	s.read(commentsStream, event.Moderator, "moderator-1", 2, created)
	s.read(commentsStream, event.Query, "query-1", 2, created, updated)
	s.read(moderatorStream, event.Comments, "comments-1", 1, judged)
	for _, key := range []string{"{posts}:alive:comments:comments-1", "{posts}:alive:query:query-1", "{comments}:alive:query:query-1", "{comments}:alive:comments:comments-1"} {
		s.do("SET", key, "x")
	}
	s.do("SET", "{moderator}:paused", `{"since":"2026-03-01T12:30:00Z","reason":"new rules"}`)

	s.bury(event.Query, postsStream, 61_000, 1, "malformed event: data is not a JSON object", "type", event.TypePostCreated, "data", `{"id":`)
	s.bury(event.Query, commentsStream, updated, 5, "no room\nin the \x1b[31mview", "type", event.TypeCommentUpdated, "data", `{}`, "id", uuidAt(updated), "extra", "x")
	s.do("SADD", "{eventbus}:subscribers", "hook")
	s.do("HSET", "{eventbus}:push:hook", "url", "http://hook.example/events")
	s.bury("eventbus/push:hook", postsStream, 62_000, 1, "it answered 400 Bad Request", "type", "PostPraised", "data", `{"id":"p1"}`, "id", uuidAt(62_000))
	sent := s.bury(event.Comments, commentsStream, created, 5, "was mended", "type", event.TypeCommentCreated, "data", `{}`, "id", uuidAt(created))
	if err := s.bus.Redrive(context.Background(), sent); err != nil {
		t.Fatal(err)
	}
	return s
}

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
