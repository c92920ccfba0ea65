package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
	"newsfeed/services/eventbus"
	"newsfeed/services/moderator"
)

// looks are calls that change nothing, by the golden file that holds them.
func looks() map[string][][]string {
	place := postsStream + "/" + entryAt(60_000).String()
	broken := postsStream + "/" + entryAt(61_000).String()
	return map[string][][]string{
		"streams":   {{"streams"}, {"streams", "--json"}},
		"lag":       {{"lag"}, {"lag", "--group", "query", "--json"}, {"lag", "--max", "1"}, {"lag", "--max", "2"}},
		"pending":   {{"pending"}, {"pending", "--group", "query", "--json"}, {"pending", "--group", "posts"}, {"pending", "--stream", moderatorStream}},
		"consumers": {{"consumers"}, {"consumers", "--stream", postsStream, "--json"}},
		"inspect": {
			{"inspect", uuidAt(judged)}, {"inspect", uuidAt(created)}, {"inspect", uuidAt(updated), "--json"},
			{"inspect", place}, {"inspect", broken, "--json"}, {"inspect", uuidAt(created), "--limit", "1"},
			{"inspect", uuidAt(created), "--scan", "1"},
		},
		"dead": {
			{"dead", "list"}, {"dead", "list", "--json"}, {"dead", "list", "--type", event.TypePostCreated}, {"dead", "list", "--limit", "1"},
			{"dead", "list", "--group", "moderator"},
			{"dead", "show", "query/" + commentsStream + "/" + entryAt(updated).String()},
			{"dead", "show", "query/" + broken, "--json"},
			{"dead", "redrive", "--all", "--dry-run"}, {"dead", "redrive", "--all", "--group", "query", "--dry-run", "--json"},
			{"dead", "drop", "--all", "--group", "query", "--type", event.TypePostCreated, "--dry-run", "--json"},
		},
		"doctor": {{"doctor", "--for", "10ms"}, {"doctor", "--for", "10ms", "--json"}},
	}
}

func TestOperatorLooks(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	for name, calls := range looks() {
		t.Run(name, func(t *testing.T) {
			c := newConsole(t, r)
			for _, args := range calls {
				c.run(args...)
			}
			c.golden(name, sentBackAt)
		})
		t.Run(name+" on a terminal", func(t *testing.T) {
			c := newConsole(t, r)
			c.terminal = true
			c.run(calls[0]...)
			c.golden(name+"-terminal", sentBackAt)
			without := newConsole(t, r)
			without.environ["NO_COLOR"] = "1"
			without.terminal = true
			if out, _ := without.run(calls[0]...); strings.Contains(out, "\x1b[3") {
				t.Errorf("with NO_COLOR it writes colours:\n%s", out)
			}
		})
	}
}

// sentBackAt hides the ids of entries that Redis has numbered in this run: those
// of the scene begin with 1772.
func sentBackAt(text string) string {
	now := fmt.Sprint(time.Now().UnixMilli())[:6]
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, now) {
			line = standing[1].pattern.ReplaceAllString(line, "<entry>")
		}
		out.WriteString(line)
	}
	return out.String()
}

func TestOperatorChanges(t *testing.T) {
	query := "query/" + postsStream + "/" + entryAt(61_000).String()
	for name, calls := range map[string][][]string{
		"pause": {
			{"pause", "query", "--reason", "a bad\ndeploy"}, {"pause", "query"}, {"pause", "moderator", "--json"},
			{"resume", "query"}, {"resume", "query"}, {"resume", "moderator", "--json"}, {"pause", "nobody"},
		},
		"redrive": {
			{"dead", "redrive", query}, {"dead", "redrive", query}, {"dead", "redrive", "--all", "--type", event.TypeCommentUpdated},
			{"dead", "redrive", "--all", "--json"}, {"dead", "redrive", "--all"}, {"dead", "list"}, {"dead", "list", "--json"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := bustest.Start(t)
			newScene(t, r)
			c := newConsole(t, r)
			for _, args := range calls {
				c.run(args...)
			}
			c.golden(name)
		})
	}
	t.Run("drop", func(t *testing.T) {
		r := bustest.Start(t)
		s := newScene(t, r)
		for i := range 3 {
			s.bury(event.Query, postsStream, 70_000+i, 5, "no", "type", event.TypePostCreated)
		}
		s.bury(event.Moderator, commentsStream, 70_000, 5, "no", "type", event.TypeCommentCreated)
		c := newConsole(t, r)
		one := "query/" + postsStream + "/" + entryAt(70_001).String()
		c.run("dead", "drop", one)
		c.run("dead", "drop", one)
		c.run("dead", "drop", query, "--json")
		c.run("dead", "drop", "--all", "--type", event.TypeCommentDeleted)
		c.run("dead", "drop", "--all", "--type", event.TypePostCreated, "--json")
		c.run("dead", "drop", "--all")
		c.golden("drop")
		for _, group := range append(services(), "eventbus/push:hook") {
			if n, err := s.bus.DeadCount(t.Context(), group); n != 0 || err != nil {
				t.Errorf("%s still has %d dead letters, %v", group, n, err)
			}
		}
	})
}

func TestOperatorErrors(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	c := newConsole(t, r)
	for _, args := range [][]string{
		{"inspect", uuidAt(77)}, {"inspect", "no such id", "--scan", "2"}, {"inspect", postsStream + "/1-1"},
		{"inspect"}, {"inspect", "a", "b"}, {"inspect", "a", "--scan", "0"}, {"streams", "posts"}, {"streams", "--jsonn"},
		{"lag", "--group", "nobody"}, {"lag", "--stream", "nothing"}, {"lag", "--watch", "--max", "3"}, {"lag", "--watch", "--every", "1ms"},
		{"pending", "--limit", "0"}, {"dead"}, {"dead", "bury"}, {"dead", "list", "--group", "nobody"}, {"dead", "list", "--limit", "-1"},
		{"dead", "show", "query"}, {"dead", "show", "query/" + postsStream + "/1-1"}, {"dead", "redrive"},
		{"dead", "redrive", "--all", "query/" + postsStream + "/1-1"}, {"dead", "drop", "--group", "query", "query/" + postsStream + "/1-1"},
		{"pause"}, {"resume", "a", "b"}, {"doctor", "--redis-url", "http://x"}, {"doctor", "--port-offset", "-1"}, {"bogus"},
	} {
		c.run(args...)
	}
	c.environ["REDIS_URL"] = "nonsense"
	c.run("streams")
	c.environ["REDIS_URL"] = r.URL()
	r.Kill()
	for _, args := range [][]string{
		{"streams"}, {"inspect", uuidAt(judged)}, {"dead", "redrive", "--all"}, {"pause", "query"}, {"doctor"}, {"doctor", "--json"},
	} {
		c.run(args...)
	}
	c.golden("errors")
}

func TestLagWatch(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	times := func(of string, n int) func(string) bool {
		return func(out string) bool { return strings.Count(out, of) >= n }
	}
	watch := []string{"lag", "--watch", "--every", "100ms"}
	c := newConsole(t, r)
	got, code := c.runUntil(times("DONE/S", 3), append(watch, "--group", "query")...)
	if code != 0 || !strings.Contains(got, postsStream+"     query  1") || strings.Contains(got, "\x1b") {
		t.Errorf("exit code %d, shown:\n%s", code, got)
	}
	got, code = c.runUntil(times("\n", 3), append(watch, "--group", "query", "--json")...)
	lines := strings.Split(got, "\n")
	if code != 0 || !strings.HasPrefix(lines[0], `[{"group":"query","stream":"{posts}:events"`) || strings.Contains(lines[0], "rate") || !strings.Contains(lines[1], `"rate":0`) {
		t.Errorf("exit code %d, shown:\n%s\n%s", code, lines[0], lines[1])
	}

	const clear = "\x1b[H\x1b[2J"
	c = newConsole(t, r)
	c.terminal = true
	got, code = c.runUntil(times(clear, 3), watch...)
	frames := strings.Split(got, clear)
	if code != 0 || frames[0] != "" {
		t.Fatalf("exit code %d, on a terminal it begins with %.40q, want it to clear the screen", code, got)
	}
	clock := regexp.MustCompile(`\d\d:\d\d:\d\d`)
	c.written.Reset()
	for _, frame := range frames[1:3] { // before there is a rate, and with one
		c.written.WriteString(clear + clock.ReplaceAllString(frame, "<clock>"))
	}
	c.golden("lag-watch")
}

func TestTailWhole(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	all := func(out string) bool { return strings.Count(out, "\n") == 8 }
	c := newConsole(t, r)
	c.runUntil(all, "tail", "--from-start")
	c.runUntil(func(out string) bool { return strings.Count(out, "\n") == 2 }, "tail", "--from-start", "--type", event.TypeCommentCreated)
	c.golden("tail")
	c = newConsole(t, r)
	c.terminal = true
	c.runUntil(all, "tail", "--from-start")
	c.golden("tail-terminal")
}

func TestToken(t *testing.T) {
	c := &console{t: t}
	said, _ := c.run("token", "new", "anna")
	c.run("token", "new")
	c.run("token", "new", "an na")
	c.run("token")
	found := regexp.MustCompile(`(?m)^  ([A-Z2-7]{52})\n(?s:.*)^  anna:([0-9a-f]{64})\n`).FindStringSubmatch(said)
	if found == nil || moderator.PersonLine("anna", found[1]) != "anna:"+found[2] {
		t.Fatalf("no token with its line: %s", said)
	}
	c.golden("token", func(text string) string {
		return strings.NewReplacer(found[1], "<token>", found[2], "<hash>").Replace(text)
	})
}

func TestCompletion(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	c := newConsole(t, r)
	for _, args := range [][]string{
		{"pause", ""}, {"pause", "query", ""}, {"resume", ""}, {"lag", "--group", ""}, {"pending", "--stream", ""},
		{"dead", "list", "--type", ""}, {"dead", "redrive", ""}, {"dead", "show", "query"}, {"inspect", ""},
	} {
		c.run(append([]string{"__completeNoDesc"}, args...)...)
	}
	r.Kill()
	c.run("__completeNoDesc", "pause", "")
	c.golden("completion")
}

func TestTooFar(t *testing.T) {
	line := func(lag *int64, pending int64, url string) behind {
		return behind{Group: "query", Stream: postsStream, GroupState: eventbus.GroupState{Lag: lag, Pending: pending, URL: url}}
	}
	for _, tt := range []struct {
		name string
		line behind
		most int64
		want string
	}{
		{"no bound", line(new(int64(9)), 9, ""), -1, ""},
		{"as far as allowed", line(new(int64(9)), 1, ""), 10, ""},
		{"further", line(new(int64(9)), 2, ""), 10, "more than 10 behind: query on {posts}:events: 11"},
		{"unknown", line(nil, 0, ""), 10, "more than 10 behind: query on {posts}:events: Redis cannot tell"},
		{"a subscriber", line(nil, 0, "http://hook.example"), 10, ""},
	} {
		got := ""
		if err := tooFar([]behind{tt.line}, nil, tt.most); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
