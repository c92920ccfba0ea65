package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bustest"
)

// The users of Redis have what the services need, on every release of Redis that there
// is here: the one of PATH, and those that REDIS_SERVERS names, with colons between. The
// tests of the containers run the one of the image.
func TestUsersOfRedis(t *testing.T) {
	t.Parallel()
	t.Run("on PATH", func(t *testing.T) { usersOf(t, "redis-server") })
	others := filepath.SplitList(os.Getenv("REDIS_SERVERS"))
	for _, program := range others {
		t.Run(program, func(t *testing.T) { usersOf(t, program) })
	}
	if len(others) == 0 {
		t.Run("another release", func(t *testing.T) {
			t.Skip("REDIS_SERVERS names no other redis-server; make e2e-containers runs that of the image")
		})
	}
}

// usersOf runs the services under their users.
func usersOf(t *testing.T, program string) {
	acl := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(acl, []byte(writtenUsers(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	server := bustest.StartProgram(t, program, t.TempDir(), "--aclfile", acl)
	operator := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "operator", Password: "development"})
	t.Cleanup(func() { _ = operator.Close() })
	t.Logf("Redis %s", regexp.MustCompile(`redis_version:(\S+)`).FindStringSubmatch(operator.Info(t.Context(), "server").Val())[1])

	s := &system{t: t, redis: server, replicas: map[string][]*process{}, client: &http.Client{Timeout: 15 * time.Second}}
	const admin = "the token of the administrator"
	settings := moderated(t)
	for _, name := range append([]string{"eventbus"}, services...) {
		p := newProcess(t, name, name+"-0", "redis://"+name+":development@"+server.Addr())
		for variable, value := range settings {
			p.env[variable] = value
		}
		p.env["RATE_LIMIT"], p.env["BUS_TOKEN"], p.env["ADMIN_TOKEN"] = "1000/s,burst=1000", admin, admin
		p.expects = "became a dead letter"
		s.replicas[name] = []*process{p}
		s.start(name)
	}
	s.ready("eventbus")
	s.ready(services...)
	s.useUsers(admin)
	if err := bustest.Fill(t.Context(), operator, 102); err != nil {
		t.Fatal(err)
	}
	s.useUsersWhenFull(operator, admin)
	for _, name := range append([]string{"eventbus"}, services...) {
		s.stop(name)
	}
	log, err := operator.ACLLog(t.Context(), 10).Result()
	if err != nil {
		t.Error(err)
	}
	for _, refused := range log {
		t.Errorf("Redis refused %s: %s %s", refused.Username, refused.Reason, refused.Object)
	}
	refusedTo(t, server)
}

// writtenUsers returns the users as start-redis writes them down: each on one line, and
// here with the password that everyone knows.
func writtenUsers(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docker-redis/users.acl")
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "user "):
			users = append(users, strings.Replace(line, " on #", " on >development", 1))
		default:
			users[len(users)-1] += " " + line
		}
	}
	return strings.Join(users, "\n") + "\n"
}

// useUsers has every service do what it can.
func (s *system) useUsers(admin string) {
	s.t.Helper()
	p := s.newPost("A post")
	fine, bad, held := s.newComment(p.ID, "fine", "Bea"), s.newComment(p.ID, "pure racism", "Eve"), s.newComment(p.ID, "hmm", "Bea")
	fine.PostID, bad.PostID, held.PostID = p.ID, p.ID, p.ID
	s.awaitStatus(fine, "approved")
	s.awaitStatus(bad, "rejected")
	s.must(http.StatusOK, deciding(ann, held, s.awaitHeld(held).Version, "approved", ""))
	s.awaitStatus(held, "approved")
	s.must(http.StatusOK, request{service: "comments", method: "PATCH", path: "/comments/" + fine.ID, body: `{"content":"finer"}`}.token(fine.EditToken))
	s.must(http.StatusOK, request{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: `{"title":"Another title"}`}.token(p.EditToken))
	s.must(http.StatusCreated, request{service: "posts", method: "POST", path: "/posts", body: `{"title":"Once"}`}.with("Idempotency-Key", "once-and-for-all-times"))
	s.must(http.StatusNoContent, request{service: "comments", method: "DELETE", path: "/comments/" + bad.ID}.token(bad.EditToken))
	s.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: "/posts/" + p.ID}.token(p.EditToken))
	s.awaitPost(p.ID, false)

	// A dead letter, which is sent back, becomes one again, and is dropped.
	s.must(http.StatusOK, request{service: "eventbus", method: "POST", path: "/events", body: `{"type":"PostCreated","data":{"id":1}}`}.token(admin))
	letters := request{service: "eventbus", path: "/dead"}.token(admin)
	s.dropAll(letters, admin, true)
	for _, service := range append([]string{"eventbus"}, services...) {
		if a := s.must(http.StatusOK, request{service: service, path: "/metrics"}); !strings.Contains(string(a.body), `newsfeed_poll_up{poll="streams"} 1`) {
			s.t.Errorf("%s does not get from Redis what its metrics need", service)
		}
	}
}

// dropAll waits for dead letters and drops them; with redrive, it sends each back first.
func (s *system) dropAll(letters request, admin string, redrive bool) {
	s.t.Helper()
	var found []deadLetter
	s.eventually("there are dead letters", func() string {
		if found = read[[]deadLetter](s, s.must(http.StatusOK, letters)); len(found) == 0 {
			return "none"
		}
		return ""
	})
	if redrive {
		s.must(http.StatusOK, request{service: "eventbus", method: "POST", path: "/dead/" + found[0].ID + "/redrive"}.token(admin))
	}
	s.eventually("there are none left", func() string {
		found = read[[]deadLetter](s, s.must(http.StatusOK, letters))
		for _, l := range found {
			if _, err := s.do(request{service: "eventbus", method: "DELETE", path: "/dead/" + l.ID}.token(admin)); err != nil {
				return err.Error()
			}
		}
		return strings.Repeat("one ", len(found))
	})
}

// useUsersWhenFull does what must go on then, for which other commands are used.
func (s *system) useUsersWhenFull(operator *redis.Client, admin string) {
	s.t.Helper()
	posting := request{service: "posts", method: "POST", path: "/posts", body: `{"title":"When full"}`}
	p := read[post](s, s.must(http.StatusCreated, posting.token(admin)))
	c := read[comment](s, s.must(http.StatusCreated, commenting(p.ID, "fine", "Bea").token(admin)))
	c.PostID = p.ID
	s.awaitStatus(c, "approved")
	for _, name := range services { // which then have to make themselves known
		s.stop(name)
		s.start(name)
	}
	s.ready(services...)
	s.must(http.StatusNoContent, request{service: "posts", method: "DELETE", path: "/posts/" + p.ID}.token(p.EditToken))
	s.awaitPost(p.ID, false)
	if err := operator.ConfigSet(s.t.Context(), "maxmemory", "0").Err(); err != nil {
		s.t.Error(err)
	}
}

// refusedTo asks for what nobody but the operator may do.
func refusedTo(t *testing.T, server *bustest.Redis) {
	t.Helper()
	for _, user := range append([]string{"eventbus", "default"}, services...) {
		opt := &redis.Options{Addr: server.Addr(), DisableIdentity: true}
		if user != "default" {
			opt.Username, opt.Password = user, "development"
		}
		client := redis.NewClient(opt)
		other := "{posts}:key"
		if user == "posts" {
			other = "{comments}:key"
		}
		for _, args := range [][]any{
			{"FLUSHALL"}, {"CONFIG", "GET", "*"}, {"KEYS", "*"}, {"ACL", "LIST"}, {"MONITOR"}, {"GET", other},
			{"EVAL", "return redis.call('GET', KEYS[1])", 1, other}, {"DEL", "{posts}:events", "{comments}:events"},
		} {
			err := client.Do(t.Context(), args...).Err()
			if err == nil || !strings.Contains(err.Error(), "NOPERM") && !strings.Contains(err.Error(), "permission") {
				t.Errorf("%s %s: %v, want a refusal", user, fmt.Sprint(args...), err)
			}
		}
		_ = client.Close()
	}
}
