//go:build containers

package containers

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bustest"
)

// addresses are those of testdata/addresses.yml, and whose they are.
func addresses() map[string]string {
	return map[string]string{
		"10.231.77.11": "posts", "10.231.77.12": "comments", "10.231.77.13": "moderator",
		"10.231.77.14": "query", "10.231.77.15": "eventbus",
	}
}

const (
	// gateway is where the services find this machine.
	gateway = "10.231.77.1"
	// published is the address of what reaches Redis by its published port.
	published = "10.231.78.1"
)

// subscribe starts two services of somebody else's, which get every event: /events takes
// them all, and /refusing refuses every new post.
func subscribe(t *testing.T, port int) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("%s:%d", gateway, port))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /refusing", func(w http.ResponseWriter, r *http.Request) {
		var e struct{ Type string }
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil || e.Type == "PostCreated" {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// unseen are grants that MONITOR does not show in use, and why they are needed.
func unseen() map[string]string {
	const rebuild = "query rebuilds a view of an older schema version when it starts; its own tests do, under these grants"
	list := map[string]string{}
	for _, command := range []string{"scan", "unlink", "pexpire", "hscan", "zscan", "srem"} {
		list["query ~{query}:* +"+command] = rebuild
	}
	list["query ~{query}:* +scard"] = "query counts with it in a view of schema 1, until that has been rebuilt"
	for _, stream := range []string{"{posts}:events", "{comments}:events"} {
		list["query ~"+stream+" +xlen"] = rebuild
	}
	return list
}

// The system works under its users and faults, and each user has what it needs
// for that and nothing else.
func TestFaultsAndRights(t *testing.T) {
	s := newStack(t, "e2e/containers/testdata/addresses.yml")
	port := bustest.FreePort(t)
	s.env = append(s.env, "RATE_LIMIT=1000/s,burst=1000", fmt.Sprintf("SUBSCRIBERS=http://%[1]s:%[2]d/events,http://%[1]s:%[2]d/refusing", gateway, port))
	s.up("redis")
	subscribe(t, port)
	// What services do at their start belongs to it.
	rec := record(t, s, addresses())
	s.up()

	s.run(t, "journey", journey)
	s.run(t, "killed", killed)
	s.run(t, "poison", poison)
	s.run(t, "left behind", func(s *stack) { leftBehind(s, rec) })
	s.run(t, "given up", givenUp)
	s.run(t, "scraped", scraped)
	if t.Failed() {
		return
	}
	rec.is(s, published, "") // MONITOR has shown what was done until now
	rec.stop()
	if len(rec.unknown) > 0 {
		t.Errorf("%d lines of MONITOR are not understood, such as %q", len(rec.unknown), rec.unknown[0])
	}
	t.Run("refused nothing", func(t *testing.T) {
		if log := s.operator("ACL", "LOG"); log != "" {
			t.Errorf("Redis refused commands:\n%s", log)
		}
	})
	t.Run("granted and used", func(t *testing.T) { compare(t, users(t), rec) })
	t.Run("refused", func(t *testing.T) { refused(t, s) })
}

// scraped reads the metrics of every service, for which it asks Redis.
func scraped(s *stack) {
	for _, service := range services() {
		if body := s.must(http.StatusOK, "GET", s.url(service)+"/metrics", ""); !strings.Contains(body, `newsfeed_poll_up{poll="streams"} 1`) {
			s.t.Errorf("%s does not get from Redis what its metrics need:\n%s", service, body)
		}
	}
}

func (s *stack) names(services ...string) []string {
	var names []string
	for _, service := range services {
		names = append(names, s.name(service))
	}
	return names
}

// compare holds every grant of a service to what it was seen to use.
func compare(t *testing.T, all map[string][]grant, rec *monitor) {
	t.Helper()
	used := map[string]bool{}
	for _, c := range rec.calls {
		if c.command == "hello" || c.command == "auth" {
			continue // allowed to everyone
		}
		i := slices.IndexFunc(all[c.user], func(g grant) bool { return g.allows(c.command, c.keys) })
		if i < 0 {
			t.Errorf("%s was seen to do what no grant allows: %s %v", c.user, c.command, c.keys)
			continue
		}
		used[fmt.Sprint(c.user, i, " +", c.command)] = true
		for _, key := range c.keys {
			used[fmt.Sprint(c.user, i, " ~", all[c.user][i].pattern(key))] = true
		}
	}
	var idle []string
	granted := 0
	for _, user := range services() {
		for i, g := range all[user] {
			for _, command := range g.commands {
				granted++
				if !used[fmt.Sprint(user, i, " +", command)] {
					idle = append(idle, fmt.Sprintf("%s ~%s +%s", user, strings.Join(g.patterns, " ~"), command))
				}
			}
			for _, p := range g.patterns {
				if !used[fmt.Sprint(user, i, " ~", p)] {
					idle = append(idle, fmt.Sprintf("%s ~%s", user, p))
				}
			}
		}
	}
	for _, one := range idle {
		if unseen()[one] == "" {
			t.Errorf("granted and not used: %s", one)
		}
	}
	for one := range unseen() {
		if !slices.Contains(idle, one) {
			t.Errorf("listed by hand and nevertheless used, or not granted: %s", one)
		}
	}
	t.Logf("%d grants, %d kinds of calls", granted, len(rec.calls))
}

// refused asks Redis what the users may not do.
func refused(t *testing.T, s *stack) {
	t.Helper()
	type try struct {
		user string
		args []string
	}
	var tries []try
	for _, owner := range services() {
		tries = append(tries, try{"query", []string{"XADD", "{" + owner + "}:events", "*", "type", "x"}})
	}
	for _, user := range append(services(), "default") {
		tries = append(tries,
			try{user, []string{"FLUSHALL"}}, try{user, []string{"CONFIG", "GET", "*"}}, try{user, []string{"KEYS", "*"}},
			try{user, []string{"ACL", "LIST"}}, try{user, []string{"MONITOR"}}, try{user, []string{"DEL", "{posts}:events", "{comments}:events"}})
	}
	tries = append(tries,
		try{"posts", []string{"GET", "{comments}:doc:1"}}, try{"posts", []string{"SET", "{comments}:doc:1", "x"}},
		try{"posts", []string{"XREADGROUP", "GROUP", "comments", "x", "STREAMS", "{comments}:events", ">"}},
		try{"posts", []string{"EVAL", "return redis.call('GET', '{comments}:doc:1')", "0"}},
		try{"moderator", []string{"EVAL", "return redis.call('XADD', KEYS[1], '*', 'a', 'b')", "1", "{comments}:events"}},
		try{"moderator", []string{"SET", "{comments}:events", "x"}},
		try{"default", []string{"XADD", "{posts}:events", "*", "a", "b"}}, try{"default", []string{"GET", "{posts}:key"}},
		try{"default", []string{"XREADGROUP", "GROUP", "query", "x", "STREAMS", "{posts}:events", ">"}})
	for _, one := range tries {
		client := redis.NewClient(&redis.Options{
			Addr: fmt.Sprintf("127.0.0.1:%d", s.ports["redis"]), Username: one.user, Password: "development", DisableIdentity: true,
		})
		args := make([]any, len(one.args))
		for i, a := range one.args {
			args[i] = a
		}
		err := client.Do(t.Context(), args...).Err()
		_ = client.Close()
		if err == nil || !strings.Contains(err.Error(), "NOPERM") && !strings.Contains(err.Error(), "permission") {
			t.Errorf("%s %v: %v, want a refusal", one.user, one.args, err)
		}
	}
	t.Logf("%d refusals", len(tries))
}
