package main

import (
	"encoding/json"
	"strings"
	"testing"

	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// On a Redis where nothing has ever run, that is what is said, and a monitor hears it.
func TestLagWhereNothingRan(t *testing.T) {
	c := newConsole(t, bustest.Start(t))
	for _, args := range [][]string{
		{"lag"}, {"lag", "--max", "0"}, {"lag", "--max", "1000", "--json"}, {"lag", "--group", "query", "--max", "1000"}, {"lag", "--group", "query"},
		{"lag", "--group", "nobody"}, {"lag", "--stream", postsStream, "--max", "0"}, {"lag", "--max", "-5"}, {"lag", "--max", "-1"},
	} {
		c.run(args...)
	}
	c.golden("empty")
}

// The id of a post or a comment leads to the events that tell of it.
func TestInspectWhatIsNoEvent(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	c := newConsole(t, r)
	for _, args := range [][]string{
		{"inspect", "p1"}, {"inspect", "c1"}, {"inspect", "c2", "--json"}, {"inspect", "p2"}, {"inspect", "p3"}, {"inspect", "c1", "--scan", "1"},
		{"inspect", entryAt(created).String()}, {"inspect", "{nothing}:events/1-1"}, {"inspect", "{query}:redrive/1-1"},
	} {
		c.run(args...)
	}
	c.golden("about")
}

// How commands are called wrongly, and what they say to that.
func TestCalledWrongly(t *testing.T) {
	c := &console{t: t, environ: map[string]string{}}
	for _, args := range [][]string{
		{"dead"}, {"token"}, {"rules"}, {"token", "bogus"}, {"rules", "bogus"}, {"help", "bogus"}, {"help", "dead", "bogus"},
		{"up", "--redis-url", "redis://db:1"}, {"--redis-url", "redis://db:1"}, {"doctor", "--for", "-1s"},
		{"__completeNoDesc", "up", "--without", ""}, {"__completeNoDesc", "up", "--without", "query,po"}, {"__completeNoDesc", "tail", "--type", ""},
		{"__completeNoDesc", "help", ""},
	} {
		c.run(args...)
	}
	c.golden("wrongly")
	if out, code := c.run("help", "dead", "list"); code != 0 || !strings.Contains(out, "newsfeed dead list [flags]") {
		t.Errorf("help dead list: exit code %d, %s", code, out)
	}
}

func TestTailForPrograms(t *testing.T) {
	r := bustest.Start(t)
	s := newScene(t, r)
	run := startTail(t, newConsole(t, r).environ, "--json", "--from-start", "--type", "PostCreated,Nope")
	bustest.Eventually(t, tailPatience, "all three", func() bool { return strings.Count(run.out.String(), "\n") == 3 })
	s.do("XADD", postsStream, "*", "type", "Nope", "data", "{}")
	run.shows(t, `"Nope"`)
	run.ends(t)
	var lines []placed
	for line := range strings.Lines(run.out.String()) {
		var p placed
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		lines = append(lines, p)
	}
	first, broken := lines[0], lines[2]
	if first.Stream != postsStream || first.Entry != entryAt(0).String() || first.Event.ID != uuidAt(0) || first.Event.Type != event.TypePostCreated {
		t.Errorf("the first is %+v", first)
	}
	if string(broken.Event.Data) != `"{\"id\":"` {
		t.Errorf("data that are no JSON are %s", broken.Event.Data)
	}
	if said := run.errOut.String(); !strings.Contains(said, "Nope is no type of the newsfeed's own") || !strings.Contains(said, "CommentModerated") || strings.Count(said, "\n") != 1 {
		t.Errorf("it says %q", said)
	}
}
