package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
	"newsfeed/internal/event"
)

// doctorOn returns what doctor says of one thing.
func (c *console) doctorOn(about string) []finding {
	c.t.Helper()
	out, _ := c.run("doctor", "--for", "0s", "--json")
	var all, found []finding
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		c.t.Fatalf("%v in %s", err, out)
	}
	for _, f := range all {
		if f.About == about {
			found = append(found, f)
		}
	}
	return found
}

// Who follows the advice on a Redis without an append-only file has one, with
// everything in it.
func TestAdviceOnPersistenceKeepsTheData(t *testing.T) {
	r := bustest.Start(t, "--appendonly", "no", "--save", "3600 1")
	if err := r.Client().Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	found := newConsole(t, r).doctorOn("persistence")
	if len(found) != 1 || found[0].Level != wrong || !strings.Contains(found[0].Do, "restarted before that") {
		t.Fatalf("found %+v", found)
	}
	for line := range strings.Lines(found[0].Do) {
		_, call, told := strings.Cut(line, "redis-cli ")
		if !told || strings.Contains(call, "REWRITE") { // this server has no file of configuration
			continue
		}
		call, waits, _ := strings.Cut(strings.TrimSpace(call), " shows ")
		bustest.Eventually(t, 20*time.Second, call, func() bool {
			out, err := exec.CommandContext(t.Context(), "sh", "-c", "redis-cli "+call).CombinedOutput()
			if err != nil || strings.Contains(string(out), "ERR") {
				t.Fatalf("%s: %v: %s", call, err, out)
			}
			for want := range strings.SplitSeq(waits, " and ") {
				if !strings.Contains(string(out), want) {
					return false
				}
			}
			return true
		})
	}
	if err := r.Client().ConfigSet(t.Context(), "save", "").Err(); err != nil {
		t.Fatal(err)
	}
	r.Kill()
	again := bustest.StartIn(t, r.Dir)
	if got, err := again.Client().Get(t.Context(), "kept").Result(); got != "yes" || err != nil {
		t.Errorf("after a restart there is %q, %v", got, err)
	}
}

func TestAdviceCallsTheRedisExamined(t *testing.T) {
	for _, tt := range []struct {
		server bus.ServerInfo
		want   string
	}{
		{bus.ServerInfo{Addr: "10.0.0.7:6390", User: "default"}, "redis-cli -h 10.0.0.7 -p 6390"},
		{bus.ServerInfo{Addr: "db:6379", User: "operator", TLS: true}, "redis-cli -h db -p 6379 --tls --user operator --askpass"},
		{bus.ServerInfo{Addr: "[::1]:6379"}, "redis-cli -h ::1 -p 6379"},
	} {
		if got := redisCLI(tt.server); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.server, got, tt.want)
		}
	}
	var f findings
	orphan := []bus.StreamInfo{{Name: postsStream, Groups: []bus.GroupInfo{{Name: "orphan"}}}, {Name: commentsStream, Groups: []bus.GroupInfo{{Name: "orphan"}}}}
	f.groups(nil, orphan, waits{
		{postsStream, "orphan"}:    {entries: 1199, oldest: 5 * time.Minute},
		{commentsStream, "orphan"}: {entries: 1, oldest: time.Minute},
	}, "redis-cli -h db -p 1")
	want := findings{{
		wrong, "groups", "nobody reads {posts}:events, {comments}:events for orphan; 1,200 entries wait, the oldest for 5m",
		"start what reads under that name, or take the group away:\n" +
			"redis-cli -h db -p 1 XGROUP DESTROY '{posts}:events' orphan\nredis-cli -h db -p 1 XGROUP DESTROY '{comments}:events' orphan",
	}}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// How much waits for a group that rests, and for how long.
func TestDoctorSaysWhatWaits(t *testing.T) {
	r := bustest.Start(t)
	s := &scene{t: t, client: r.Client(), bus: newTestBus(t, r)}
	s.do("XGROUP", "CREATE", postsStream, event.Query, "0", "MKSTREAM")
	s.do("XADD", postsStream, time.Now().Add(-5*time.Minute-10*time.Second).UnixMilli(), "type", "x")
	s.do("XADD", postsStream, "*", "type", "x")
	if _, err := s.bus.Pause(t.Context(), event.Query, ""); err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, r)
	var says []string
	for _, f := range c.doctorOn("groups") {
		says = append(says, f.Says)
	}
	if got := strings.Join(says, "\n"); strings.Count(got, "; 2 entries wait, the oldest for 5m") != 2 {
		t.Errorf("it says:\n%s", got)
	}
}

// An entry that nobody can read is one finding, and sending it back is no advice.
func TestDoctorOfMalformedLetters(t *testing.T) {
	letter := func(group string, ms int, why string) bus.DeadLetter {
		return bus.DeadLetter{DeadID: bus.DeadID{Group: group, Stream: postsStream, Entry: bus.ID{Ms: uint64(ms)}}, Error: why}
	}
	const bad = "malformed event: data is not a JSON object"
	var f findings
	f.dead([]buried{
		{"comments", 1, []bus.DeadLetter{letter("comments", 1, bad)}},
		{"moderator", 0, nil},
		{"query", 3, []bus.DeadLetter{letter("query", 1, bad), letter("query", 2, "no room"), letter("query", 3, bad)}},
	})
	want := findings{
		{wrong, "dead letters", "1 dead letter of query", "newsfeed dead list --group query says why; once that is mended: newsfeed dead redrive --all --group query"},
		{wrong, "dead letters", "{posts}:events/1-0 cannot be read: the same entry in 2 groups, comments, query",
			"newsfeed dead show 'comments/{posts}:events/1-0' says what is wrong with it; sending it back changes nothing\n" +
				"once its writer is mended: newsfeed dead drop 'comments/{posts}:events/1-0' 'query/{posts}:events/1-0'"},
		{wrong, "dead letters", "{posts}:events/3-0 cannot be read: given up by query",
			"newsfeed dead show 'query/{posts}:events/3-0' says what is wrong with it; sending it back changes nothing\n" +
				"once its writer is mended: newsfeed dead drop 'query/{posts}:events/3-0'"},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// That a clock is wrong and that all are right is never said at once.
func TestClocksAreSaidTogether(t *testing.T) {
	var f findings
	f.clock(bus.ServerInfo{})
	f.add(fine, "groups", "all live", "")
	f.writers(postsStream, []bus.Entry{
		{ID: entryAt(0), Event: event.Event{Source: "shop", Time: noon.Add(-328*24*time.Hour - 7*time.Second)}},
		{ID: entryAt(0), Event: event.Event{Source: event.Posts, Time: noon.Add(time.Minute)}},
	})
	f.gather("clocks")
	if diff := cmp.Diff([]string{"wrong clocks", "note clocks"}, levels(f)); diff != "" || f[2].About != "groups" || len(f) != 3 {
		t.Errorf("%+v\n%s", f, diff)
	}
	if want := "the latest events of shop on {posts}:events say that they are 328d behind Redis's clock"; f[1].Says != want {
		t.Errorf("says %q, want %q", f[1].Says, want)
	}
}

func TestAwayAdvice(t *testing.T) {
	for said, want := range map[string]string{
		"WRONGPASS invalid username-password pair": "the user or the password is wrong",
		"NOAUTH Authentication required.":          "it wants a user and a password",
		"NOPERM this user":                         "use a user that may look at everything",
		"LOADING Redis is loading":                 "it reads its file",
		"connection refused":                       "start it, or say where it is",
	} {
		if got := awayAdvice(errors.New(said)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}
