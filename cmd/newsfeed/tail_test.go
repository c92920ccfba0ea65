package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
)

const tailPatience = 20 * time.Second

type tailRun struct {
	out, errOut bustest.Buffer
	stop        context.CancelFunc
	ended       chan error
}

func startTail(t *testing.T, environ map[string]string, args ...string) *tailRun {
	t.Helper()
	return startCommand(t, environ, append([]string{"tail"}, args...)...)
}

func startCommand(t *testing.T, environ map[string]string, args ...string) *tailRun {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	run := &tailRun{stop: stop, ended: make(chan error, 1)}
	cmd := newRoot(environ)
	cmd.SetOut(&run.out)
	cmd.SetErr(&run.errOut)
	cmd.SetArgs(args)
	var wg sync.WaitGroup
	wg.Go(func() { run.ended <- cmd.ExecuteContext(ctx) })
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return run
}

func (r *tailRun) shows(t *testing.T, what string) {
	t.Helper()
	bustest.Eventually(t, tailPatience, "tail shows "+what, func() bool { return strings.Contains(r.out.String(), what) })
}

// ends asks tail to end, as Ctrl-C does, and wants no error.
func (r *tailRun) ends(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("tail ended with %v, want no error", err)
		}
	case <-time.After(tailPatience):
		t.Fatal("tail does not end")
	}
}

func newTestBus(t *testing.T, r *bustest.Redis) *bus.Bus {
	t.Helper()
	b := bus.New(t.Context(), r.Client(), bus.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(b.Close)
	return b
}

func publish(t *testing.T, b *bus.Bus, e event.Event) {
	t.Helper()
	if _, err := b.Publish(t.Context(), event.Stream(e.Source), e); err != nil {
		t.Fatal(err)
	}
}

func post(t *testing.T, title string) event.Event {
	t.Helper()
	e, err := event.New(event.Posts, event.TypePostCreated, event.Post{ID: "p", Title: &title}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// chain returns a comment's creation, verdict and update, 3 and 2 ms apart.
func chain(t *testing.T, content string) []event.Event {
	t.Helper()
	pending, approved := event.Pending, event.Approved
	by := "rules"
	now := time.Now()
	var events []event.Event
	for i, step := range []struct {
		source, typ string
		payload     event.Payload
		after       time.Duration
	}{
		{event.Comments, event.TypeCommentCreated, event.Comment{PostID: "p", ID: "c", Content: &content, Status: &pending}, 0},
		{event.Moderator, event.TypeCommentModerated, event.CommentModerated{PostID: "p", ID: "c", Content: &content, Status: &approved, Moderator: &by}, 3 * time.Millisecond},
		{event.Comments, event.TypeCommentUpdated, event.Comment{PostID: "p", ID: "c", Content: &content, Status: &approved}, 5 * time.Millisecond},
	} {
		e, err := event.New(step.source, step.typ, step.payload, now.Add(step.after))
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			e = e.CausedBy(events[i-1])
		}
		events = append(events, e)
	}
	return events
}

// beginning waits until tail follows: what was published before it noted where
// the streams end is not shown.
func (r *tailRun) beginning(t *testing.T, b *bus.Bus) {
	t.Helper()
	bustest.Eventually(t, tailPatience, "tail follows", func() bool {
		publish(t, b, post(t, "beginning"))
		return strings.Contains(r.out.String(), "beginning")
	})
}

var spaces = regexp.MustCompile(` {2,}`)

// table returns the lines without their time and with single gaps.
func table(s string) []string {
	var lines []string
	for line := range strings.Lines(s) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), "  ")
		lines = append(lines, spaces.ReplaceAllString(rest, " "))
	}
	return lines
}

func TestTailDrawsAChainAsItHappens(t *testing.T) {
	r := bustest.Start(t)
	b := newTestBus(t, r)
	publish(t, b, post(t, "long ago"))
	run := startTail(t, nil, "--redis-url", r.URL())
	run.beginning(t, b)
	events := chain(t, "nice post")
	for _, i := range []int{1, 0, 2} { // the verdict is here before the comment
		publish(t, b, events[i])
	}
	run.shows(t, "CommentUpdated")
	run.ends(t)
	shown := run.out.String()
	if strings.Contains(shown, "long ago") {
		t.Errorf("shown:\n%s\nwant nothing from before", shown)
	}
	want := []string{
		`comments CommentCreated pending "nice post"`,
		"moderator └─ CommentModerated +3 ms approved (rules)",
		`comments └─ CommentUpdated +2 ms approved "nice post"`,
	}
	var got []string
	for _, line := range table(shown) {
		if strings.Contains(line, "Comment") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chain (-want +got):\n%s", diff)
	}
	if strings.Contains(shown, "\x1b") {
		t.Error("colours, though this is no terminal")
	}
}

func TestTailFromStartShowsStreamsAsOne(t *testing.T) {
	r := bustest.Start(t)
	b := newTestBus(t, r)
	const chains = 300 // two streams of several pages, were they read by historyPage alone
	for i := range chains {
		for _, e := range chain(t, fmt.Sprint("comment ", i)) {
			publish(t, b, e)
		}
	}
	run := startTail(t, map[string]string{"REDIS_URL": r.URL()}, "--from-start")
	run.shows(t, fmt.Sprintf("approved  \"comment %d\"", chains-1))
	publish(t, b, post(t, "the last"))
	run.shows(t, "the last")
	run.ends(t)
	var want []string
	for i := range chains {
		want = append(want,
			fmt.Sprintf(`comments CommentCreated pending "comment %d"`, i),
			"moderator └─ CommentModerated +3 ms approved (rules)",
			fmt.Sprintf(`comments └─ CommentUpdated +2 ms approved "comment %d"`, i))
	}
	want = append(want, `posts PostCreated "the last"`)
	if diff := cmp.Diff(want, table(run.out.String())); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

func TestTailOnlyOfAType(t *testing.T) {
	r := bustest.Start(t)
	b := newTestBus(t, r)
	for _, e := range chain(t, "x") {
		publish(t, b, e)
	}
	run := startTail(t, nil, "--redis-url", r.URL(), "--from-start", "--type", "CommentModerated")
	run.shows(t, "CommentModerated")
	run.ends(t)
	want := []string{"moderator └─ CommentModerated +3 ms approved (rules)"}
	if diff := cmp.Diff(want, table(run.out.String())); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

func TestTailShowsWhatCannotBeRead(t *testing.T) {
	r := bustest.Start(t)
	c := r.Client()
	for _, entry := range []string{"type PostCreated data {", "no event"} {
		args := []any{"XADD", event.Stream(event.Posts), "*"}
		for word := range strings.FieldsSeq(entry) {
			args = append(args, word)
		}
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	run := startTail(t, nil, "--redis-url", r.URL(), "--from-start")
	bustest.Eventually(t, tailPatience, "tail shows both", func() bool { return strings.Count(run.out.String(), "\n") == 2 })
	run.ends(t)
	for _, want := range []error{event.ErrMalformed, event.ErrUnknownType} {
		if got := run.out.String(); strings.Count(got, want.Error()) != 1 {
			t.Errorf("shown:\n%s\nwant one line to say %q", got, want)
		}
	}
}

func TestTailOutlivesAnOutage(t *testing.T) {
	r := bustest.Start(t)
	b := newTestBus(t, r)
	r.Kill()
	run := startTail(t, nil, "--redis-url", r.URL())
	outages := func(n int) func() bool {
		return func() bool { return strings.Count(run.errOut.String(), "Redis does not answer") == n }
	}
	bustest.Eventually(t, tailPatience, "tail says that Redis is away at the start", outages(1))
	r.Restart()
	run.beginning(t, b)
	r.Kill()
	bustest.Eventually(t, tailPatience, "tail says that Redis is away again", outages(2))
	r.Restart()
	publish(t, b, post(t, "back again"))
	run.shows(t, "back again")
	run.ends(t)
	if got := strings.Count(run.errOut.String(), "\n"); got != 2 {
		t.Errorf("stderr = %q, want a line for each outage", run.errOut.String())
	}
	if got := strings.Count(run.out.String(), "back again"); got != 1 {
		t.Errorf("shown %d times, want once", got)
	}
}

func TestTailEndsWhileRedisIsAway(t *testing.T) {
	run := startTail(t, nil, "--redis-url", fmt.Sprint("redis://127.0.0.1:", bustest.FreePort(t)))
	bustest.Eventually(t, tailPatience, "tail says that Redis is away", func() bool { return run.errOut.String() != "" })
	run.ends(t)
}

func TestTailRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ map[string]string
		args    []string
		says    string
	}{
		{"a bad flag", nil, []string{"--redis-url", "http://x"}, "--redis-url"},
		{"a bad variable", map[string]string{"REDIS_URL": "nonsense"}, nil, "REDIS_URL"},
		{"a bad offset", nil, []string{"--port-offset", "-1"}, "--port-offset"},
		{"an unknown flag", nil, []string{"--from-end"}, "--from-end"},
		{"an argument", nil, []string{"posts"}, "posts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := <-startTail(t, tt.environ, tt.args...).ended
			if err == nil || !strings.Contains(err.Error(), tt.says) || web.ExitCode(err) != 2 {
				t.Errorf("error = %v with exit code %d, want %q and 2", err, web.ExitCode(err), tt.says)
			}
		})
	}
}

func TestTailColourful(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if colourful(file, nil) || colourful(io.Discard, nil) {
		t.Error("colours on what is no terminal")
	}
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestTailEndsWhenNobodyReads(t *testing.T) {
	r := bustest.Start(t)
	publish(t, newTestBus(t, r), post(t, "x"))
	cmd := newRoot(nil)
	cmd.SetOut(brokenPipe{})
	cmd.SetArgs([]string{"tail", "--redis-url", r.URL(), "--from-start"})
	if err := cmd.ExecuteContext(t.Context()); !errors.Is(err, errPipe) {
		t.Errorf("error = %v, want %v", err, errPipe)
	}
}
