package query

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/internal/bus"
	"newsfeed/internal/bustest"
)

// The user that query has in Redis may fold, rebuild and verify, and needs all
// that it may for that or for reading.
func TestRebuildWithItsRights(t *testing.T) {
	server := bustest.Start(t, "--appendonly", "no")
	operator := server.Client()
	rules := rightsOf(t, "query")
	args := []any{"ACL", "SETUSER", "query", "on", ">secret"}
	for _, rule := range rules {
		args = append(args, rule)
	}
	if err := operator.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	seed(t, operator, 5, 20)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "query", Password: "secret", DisableIdentity: true})
	defer client.Close()
	b := bus.New(t.Context(), client, bus.Options{})
	defer b.Close()
	r := &replica{t: t, client: client, bus: b, store: newStore(b)}
	r.consume("one")
	r.caughtUp(30 * time.Second)
	for range 2 { // the second has keys to delete, and takes long enough to renew its lease
		_, err := r.store.rebuild(t.Context(), 300*time.Millisecond, func(s Step) {
			if s.Doing == "folded" {
				bustest.Eventually(t, 10*time.Second, "the lease has been renewed", func() bool {
					left := operator.PTTL(t.Context(), leaseKey).Val()
					time.Sleep(20 * time.Millisecond)
					return operator.PTTL(t.Context(), leaseKey).Val() > left
				})
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if report, err := Verify(t.Context(), b, func(Step) {}); err != nil || !report.Clean() || report.Comments != 20 {
		t.Errorf("%+v %v", report, err)
	}
	refused, err := operator.Do(t.Context(), "ACL", "LOG").Slice()
	if err != nil || len(refused) > 0 {
		t.Errorf("Redis refused: %v %v", refused, err)
	}
}

// rightsOf returns the rules of a user in docker-redis/users.acl, each as Redis
// takes it.
func rightsOf(t *testing.T, user string) []string {
	t.Helper()
	text, err := os.ReadFile("../../docker-redis/users.acl")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\nuser "+user+" on #\n")
	if !found {
		t.Fatalf("no user %s", user)
	}
	rest, _, _ = strings.Cut(rest, "\n\n")
	var rules []string
	for _, word := range strings.Fields(rest) {
		if word == "+client|setinfo" {
			continue // Redis 7.0 does not know it
		}
		if n := len(rules); n > 0 && strings.HasPrefix(rules[n-1], "(") && !strings.HasSuffix(rules[n-1], ")") {
			rules[n-1] += " " + word
			continue
		}
		rules = append(rules, word)
	}
	return rules
}
