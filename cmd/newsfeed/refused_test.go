package main

import (
	"strings"
	"testing"

	"newsfeed/internal/bustest"
)

// What Redis refuses is no outage, and what to do is said, by every command and
// without a password.
func TestRefused(t *testing.T) {
	r := bustest.Start(t)
	if err := r.Client().ConfigSet(t.Context(), "requirepass", "s3cret").Err(); err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, r)
	admin := "redis://:s3cret@" + r.Addr()
	at := func(user string) string { return "redis://" + user + "@" + r.Addr() }
	for _, args := range [][]string{
		{"streams"}, {"doctor"}, {"tail"}, {"lag", "--watch"},
		{"streams", "--redis-url", at("operator:wr0ng")}, {"doctor", "--redis-url", at("operator:wr0ng")},
		{"tail", "--redis-url", at("operator:wr0ng")}, {"rules", "dry-run", "../../services/moderator/rules.yaml", "--redis-url", at("operator:wr0ng")},
		{"streams", "--redis-url", "redis://op:s3cret@bad host:1"}, {"streams", "--redis-url", "redis://op:s3cret#word@db:1"},
		{"streams", "--redis-url", "redis://op:s3cret%@db:1"}, {"streams", "--redis-url", "redis://op/s3cret@db:1"},
		{"streams", "--redis-url", admin, "--port-offset", "1"},
	} {
		c.run(args...)
	}
	for line := range strings.Lines(c.written.String()) {
		if !strings.HasPrefix(line, "$ ") && (strings.Contains(line, "s3cret") || strings.Contains(line, "wr0ng")) {
			t.Errorf("a password is shown: %s", line)
		}
	}
	c.environ["REDIS_URL"] = admin
	c.run("lag", "--stream", postsStream)
	c.golden("refused")
}

// A flag is nearer than the environment.
func TestPortOffsetWins(t *testing.T) {
	r := bustest.Start(t)
	if r.Port < redisPort || r.Port > redisPort+maxOffset {
		t.Skip("the Redis of this test is not at an offset")
	}
	c := newConsole(t, r)
	c.environ["REDIS_URL"] = "redis://127.0.0.1:1"
	if out, code := c.run("streams", "--port-offset", itoa(r.Port-redisPort)); code != 0 {
		t.Errorf("exit code %d: %s\n%s", code, out, c.written.String())
	}
}

func itoa(n int) string { return strings.ReplaceAll(thousands(int64(n)), ",", "") }

// A user who only reads can look at everything that a monitor asks for.
func TestReadersRights(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	rules := []any{"ACL", "SETUSER", "monitor", "on", ">pw", "~*", "resetchannels", "-@all"}
	for _, right := range strings.Fields("+@read +@connection +info +time +eval_ro +evalsha_ro") {
		rules = append(rules, right)
	}
	if err := r.Client().Do(t.Context(), rules...).Err(); err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, r)
	c.environ["REDIS_URL"] = "redis://monitor:pw@" + r.Addr()
	for _, args := range [][]string{
		{"streams"}, {"lag"}, {"consumers"}, {"pending"}, {"inspect", uuidAt(judged)}, {"inspect", "c1"}, {"dead", "list"},
	} {
		if out, code := c.run(args...); code != 0 {
			t.Errorf("%s: exit code %d\n%s\n%s", args, code, out, c.written.String())
		}
	}
	if _, code := c.run("verify"); code != 3 { // nobody has folded the scene
		t.Errorf("verify: exit code %d\n%s", code, c.written.String())
	}
	for _, about := range []string{"feed", "users", "Redis"} {
		for _, f := range c.doctorOn(about) {
			if f.Level == wrong || strings.Contains(f.Says, `""`) || strings.Contains(f.Says, "may not read") {
				t.Errorf("doctor: %+v", f)
			}
		}
	}
}

// Over an outage lag --watch goes on, as tail does.
func TestLagWatchOutlastsAnOutage(t *testing.T) {
	r := bustest.Start(t)
	newScene(t, r)
	run := startCommand(t, newConsole(t, r).environ, "lag", "--watch", "--every", "100ms", "--group", "query", "--json")
	looks := func() int { return strings.Count(run.out.String(), "\n") }
	bustest.Eventually(t, tailPatience, "a look", func() bool { return looks() > 0 })
	r.Kill()
	bustest.Eventually(t, tailPatience, "it says that Redis is away", func() bool {
		return strings.Contains(run.errOut.String(), "Redis does not answer; going on when it does")
	})
	seen := looks()
	r.Restart()
	bustest.Eventually(t, tailPatience, "it goes on", func() bool { return looks() > seen+2 })
	run.ends(t)
	if n := strings.Count(run.errOut.String(), "does not answer"); n != 1 {
		t.Errorf("it says %d times that Redis does not answer, want once", n)
	}
}
