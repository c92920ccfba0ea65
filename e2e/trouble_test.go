package e2e

import (
	"bytes"
	"context"
	"fmt"
	"github.com/redis/go-redis/v9"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"newsfeed/internal/bustest"
)

// trouble is a Redis that runs and will not do.
type trouble struct {
	name       string
	begin, end func(ctx context.Context, s *system) error
	reads      int    // status of a read meanwhile
	cause      string // what the log must name
}

// config gives commands to the Redis that runs.
func config(ctx context.Context, s *system, commands ...[]any) error {
	client := s.redis.Client()
	for _, args := range commands {
		if err := client.Do(ctx, args...).Err(); err != nil {
			return fmt.Errorf("%v: %w", args, err)
		}
	}
	return nil
}

func troubles() []trouble {
	set := func(commands ...[]any) func(context.Context, *system) error {
		return func(ctx context.Context, s *system) error { return config(ctx, s, commands...) }
	}
	return []trouble{
		{"full", func(ctx context.Context, s *system) error { // so that nothing at all can be written
			return bustest.Fill(ctx, s.redis.Client(), 1000)
		}, set([]any{"CONFIG", "SET", "maxmemory", "0"}), http.StatusOK, "nearly full"},
		{"read-only", func(ctx context.Context, s *system) error {
			// A replica keeps its data as long as its primary cannot be reached.
			return config(ctx, s, []any{"REPLICAOF", "127.0.0.1", "1"})
		}, set([]any{"REPLICAOF", "NO", "ONE"}), http.StatusOK, "READONLY"},
		{"another password", func(ctx context.Context, s *system) error {
			return config(ctx, s, []any{"ACL", "SETUSER", "admin", "on", ">admin", "~*", "&*", "+@all"},
				[]any{"ACL", "SETUSER", "default", "resetpass", ">new"}, []any{"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"})
		}, func(ctx context.Context, s *system) error {
			admin := redis.NewClient(&redis.Options{Addr: s.redis.Addr(), Username: "admin", Password: "admin"})
			defer func() { _ = admin.Close() }()
			return admin.Do(ctx, "ACL", "SETUSER", "default", "nopass").Err()
		}, http.StatusServiceUnavailable, "NOAUTH"},
	}
}

// A Redis that is full, read-only or does not know the services' password any more
// costs writes and nothing else: they are refused, the log says why in a few lines,
// nothing is given up, and all goes on by itself when it is over.
func TestRedisInTrouble(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	p := s.newPost("Before")
	s.awaitStatus(s.newComment(p.ID, "Before", "Bea"), "approved")
	for _, trouble := range troubles() {
		if ok := t.Run(trouble.name, func(t *testing.T) { s.endure(t, p, trouble) }); !ok {
			return
		}
	}
}

// endure lets the trouble come while there is work to do, and go.
func (s *system) endure(t *testing.T, p post, what trouble) {
	waiting := s.leaveWork(p, 20)
	before := s.logs()
	if err := what.begin(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	s.signal("moderator", syscall.SIGCONT)
	s.refuses(t, p, what.reads)
	// Longer than it takes an entry that counts its attempts to be given up.
	s.stays(t, 12*time.Second, p)
	for process, said := range s.since(before) {
		lines := strings.Count(said, "\n")
		if lines > 20 {
			t.Errorf("%s: %d lines in the log:\n%.3000s", process.env["INSTANCE"], lines, said)
		}
		if process.service != "query" && !strings.Contains(said, what.cause) {
			t.Errorf("%s does not name the cause %s:\n%.3000s", process.env["INSTANCE"], what.cause, said)
		}
	}
	if err := what.end(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for _, c := range waiting {
		s.awaitStatus(c, "approved")
	}
	s.awaitStatus(s.newComment(s.newPost("After "+what.name).ID, "After", "Bea"), "approved")
	s.noDeadLetters()
}

// leaveWork writes comments that the moderator, which is stopped, has before it.
func (s *system) leaveWork(p post, n int) (waiting []comment) {
	s.t.Helper()
	s.signal("moderator", syscall.SIGSTOP)
	for i := range n {
		c := s.newComment(p.ID, fmt.Sprintf("waits %d", i), "Bea")
		c.PostID = p.ID
		waiting = append(waiting, c)
	}
	return waiting
}

func (s *system) signal(service string, sig syscall.Signal) {
	for _, p := range s.replicas[service] {
		_ = p.cmd.Process.Signal(sig)
	}
}

// refuses asks that writes are refused and reads answered with that status.
func (s *system) refuses(t *testing.T, p post, reads int) {
	t.Helper()
	var answers atomic.Int64
	inParallel(200, func(i int) {
		for _, r := range []request{
			{service: "posts", method: "POST", path: "/posts", body: `{"title":"Nowhere to store"}`},
			commenting(p.ID, "Nowhere to store", "Bea"),
			{service: "posts", method: "PATCH", path: "/posts/" + p.ID, body: fmt.Sprintf(`{"title":"%d"}`, i)},
		} {
			a, err := s.once(r.token(p.EditToken))
			if err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %v %s, want 503 with Retry-After", r, a.status, err, a.body)
				return
			}
			answers.Add(1)
		}
	})
	for _, r := range []request{
		{service: "posts", path: "/posts/" + p.ID}, {service: "comments", path: "/posts/" + p.ID + "/comments"},
		{service: "query", path: "/posts"}, {service: "query", path: "/posts/" + p.ID},
	} {
		if a, err := s.once(r); err != nil || a.status != reads {
			t.Errorf("%s: %d %v, want %d", r, a.status, err, reads)
		}
	}
}

// stays asks for so long that writes are refused.
func (s *system) stays(t *testing.T, last time.Duration, p post) {
	t.Helper()
	for until := time.Now().Add(last); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if a, err := s.once(commenting(p.ID, "Nowhere to store", "Bea")); err != nil || a.status != http.StatusServiceUnavailable {
			t.Fatalf("%d %v %s, want 503", a.status, err, a.body)
		}
	}
}

// logs returns how much each process has logged.
func (s *system) logs() map[*process]int {
	sizes := map[*process]int{}
	for _, name := range services {
		for _, p := range s.replicas[name] {
			log, _ := os.ReadFile(p.log)
			sizes[p] = len(log)
		}
	}
	return sizes
}

// since returns what each process has logged since then.
func (s *system) since(before map[*process]int) map[*process]string {
	said := map[*process]string{}
	for p, n := range before {
		log, _ := os.ReadFile(p.log)
		said[p] = string(bytes.TrimSpace(log[n:])) + "\n"
	}
	return said
}
