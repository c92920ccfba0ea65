package containers

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A grant is commands on keys: what a user has in general, or one bracket.
type grant struct {
	patterns []string // of keys, as Redis has them behind ~
	commands []string
}

// allows reports whether a command on these keys is within the grant.
func (g grant) allows(command string, keys []string) bool {
	for _, key := range keys {
		if g.pattern(key) == "" {
			return false
		}
	}
	return slices.Contains(g.commands, command)
}

// pattern returns the one that a key matches, "" for none. Patterns have at most
// one star, at their end.
func (g grant) pattern(key string) string {
	for _, p := range g.patterns {
		if start, open := strings.CutSuffix(p, "*"); key == p || open && strings.HasPrefix(key, start) {
			return p
		}
	}
	return ""
}

// users reads docker-redis/users.acl: the grants of each user, the general one
// first.
func users(t *testing.T) map[string][]grant {
	t.Helper()
	text := regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(readFile(t, "docker-redis/users.acl"), "")
	text = strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text)
	all := map[string][]grant{}
	user, bracket := "", 0
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		switch word := words[i]; {
		case word == "user":
			i++
			user, bracket = words[i], 0
			all[user] = []grant{{}}
		case word == "(":
			all[user] = append(all[user], grant{})
			bracket = len(all[user]) - 1
		case word == ")":
			bracket = 0
		case strings.Contains(word, "~"):
			_, pattern, _ := strings.Cut(word, "~")
			all[user][bracket].patterns = append(all[user][bracket].patterns, pattern)
		case word[0] == '+':
			all[user][bracket].commands = append(all[user][bracket].commands, word[1:])
		}
	}
	return all
}

func services() []string { return []string{"posts", "comments", "moderator", "query", "eventbus"} }

// What each service may do, read from the file; TestRights asks Redis itself.
func TestUsers(t *testing.T) {
	all := users(t)
	want := append(services(), "default", "operator")
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Fatalf("users %v, want %v", got, want)
	}
	for user, grants := range all {
		if user == "operator" {
			continue
		}
		for _, g := range grants {
			for _, c := range g.commands {
				if strings.HasPrefix(c, "@") || slices.Contains([]string{"flushall", "flushdb", "config", "keys", "monitor", "debug", "shutdown", "xgroup|destroy", "xgroup|setid", "xtrim"}, c) {
					t.Errorf("%s has +%s", user, c)
				}
			}
			for _, p := range g.patterns {
				if !strings.Contains(p, "}") {
					t.Errorf("%s has keys without an owner: ~%s", user, p)
				}
			}
		}
	}
	for _, owner := range services() {
		stream := "{" + owner + "}:events"
		for _, user := range append(services(), "default") {
			may := slices.ContainsFunc(all[user], func(g grant) bool { return g.allows("xadd", []string{stream}) })
			if should := (user == owner && owner != "query") || user == "eventbus"; may && !should {
				t.Errorf("%s may append to %s", user, stream)
			}
			for _, destroys := range []string{"del", "set", "xdel", "getex"} {
				if user != owner && slices.ContainsFunc(all[user], func(g grant) bool { return g.allows(destroys, []string{stream}) }) {
					t.Errorf("%s may %s %s", user, destroys, stream)
				}
			}
		}
	}
}
