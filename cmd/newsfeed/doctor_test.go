package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// levels says of every finding how bad it is and what about.
func levels(f findings) []string {
	var out []string
	for _, one := range f {
		if one.Level != fine {
			out = append(out, fmt.Sprint(one.Level, " ", one.About))
		}
		if one.Level == wrong && one.Do == "" {
			out = append(out, "and no advice")
		}
	}
	return out
}

// said is what doctor writes of every case of a table, for people and for programs.
type said struct{ strings.Builder }

func (s *said) add(t *testing.T, name string, f findings) {
	t.Helper()
	fmt.Fprintf(s, "== %s\n", name)
	for _, asJSON := range []bool{false, true} {
		if err := append(findings{}, f...).report(&operator{out: s, json: asJSON}); err != nil && !asJSON {
			fmt.Fprintf(s, "! newsfeed: %v\n", err)
		}
	}
	s.WriteString("\n")
}

func TestDoctorOfRedis(t *testing.T) {
	good := bus.ServerInfo{
		Addr: "redis:6379", Version: "7.2.1", AppendOnly: true, AppendFsync: "always", Memory: bus.Memory{Used: 10 << 20, Max: 100 << 20},
		Policy: "noeviction", User: "operator", Users: append(services(), "default", "operator"), Uncertain: time.Millisecond,
	}
	tests := []struct {
		name string
		make func(*bus.ServerInfo)
		want []string
	}{
		{"good", func(*bus.ServerInfo) {}, nil},
		{"old", func(s *bus.ServerInfo) { s.Version = "6.2.7" }, []string{"wrong Redis"}},
		{"no version", func(s *bus.ServerInfo) { s.Version = "" }, []string{"wrong Redis"}},
		{"replica", func(s *bus.ServerInfo) { s.Replica = true }, []string{"wrong Redis"}},
		{"nothing on disk", func(s *bus.ServerInfo) { s.AppendOnly = false }, []string{"wrong persistence"}},
		{"snapshots", func(s *bus.ServerInfo) { s.AppendOnly, s.Saves = false, "3600 1" }, []string{"wrong persistence"}},
		{"disk full", func(s *bus.ServerInfo) { s.WriteFailed = true }, []string{"wrong persistence"}},
		{"every second", func(s *bus.ServerInfo) { s.AppendFsync = "everysec" }, []string{"note persistence"}},
		{"never", func(s *bus.ServerInfo) { s.AppendFsync = "no" }, []string{"wrong persistence"}},
		{"unseen", func(s *bus.ServerInfo) { s.AppendFsync = "" }, []string{"note persistence"}},
		{"evicting", func(s *bus.ServerInfo) { s.Policy = "volatile-lru" }, []string{"wrong memory"}},
		{"memory below the warning", func(s *bus.ServerInfo) { s.Used = 74 << 20 }, nil},
		{"memory scarce", func(s *bus.ServerInfo) { s.Used = 75 << 20 }, []string{"note memory"}},
		{"memory just outside the reserve", func(s *bus.ServerInfo) { s.Used = 89 << 20 }, []string{"note memory"}},
		{"memory in the reserve", func(s *bus.ServerInfo) { s.Used = 90 << 20 }, []string{"wrong memory"}},
		{"unbounded", func(s *bus.ServerInfo) { s.Max = 0 }, []string{"note memory"}},
		{"open", func(s *bus.ServerInfo) { s.OpenDefault = true }, []string{"wrong users"}},
		{"open to this machine", func(s *bus.ServerInfo) { s.OpenDefault, s.LoopbackOnly = true, true }, nil},
		{"one user", func(s *bus.ServerInfo) { s.Users = []string{"default"} }, []string{"note users"}},
		{"a user short", func(s *bus.ServerInfo) { s.Users = []string{"posts", "comments", "query"} }, []string{"note users"}},
		{"users unseen", func(s *bus.ServerInfo) { s.Users = nil }, nil},
		{"clock off", func(s *bus.ServerInfo) { s.Ahead = 3 * time.Second }, []string{"note clocks"}},
		{"clock far off", func(s *bus.ServerInfo) { s.Ahead = -time.Minute }, []string{"wrong clocks"}},
		{"slow line", func(s *bus.ServerInfo) { s.Ahead, s.Uncertain = 3*time.Second, 4*time.Second }, nil},
	}
	var all said
	var usual findings // with the others, only what is not as usual
	for _, tt := range tests {
		s := good
		tt.make(&s)
		var f findings
		f.server(s)
		if diff := cmp.Diff(tt.want, levels(f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if tt.name == "good" {
			usual = f
		} else {
			f = slices.DeleteFunc(f, func(one finding) bool { return slices.Contains(usual, one) })
		}
		all.add(t, tt.name, f)
	}
	golden(t, "doctor-of-redis", all.String())
}

func TestDoctorOfWriters(t *testing.T) {
	at := func(source string, behind time.Duration) bus.Entry {
		return bus.Entry{ID: entryAt(0), Event: event.Event{Source: source, Time: noon.Add(-behind)}}
	}
	tests := []struct {
		name   string
		latest []bus.Entry
		want   []string
	}{
		{"none", nil, nil},
		{"agree", []bus.Entry{at("posts", 5*time.Millisecond)}, nil},
		{"one was held up", []bus.Entry{at("posts", time.Hour), at("posts", time.Millisecond)}, nil},
		{"behind", []bus.Entry{at("posts", 5*time.Second), at("posts", 2*time.Second)}, []string{"note clocks"}},
		{"ahead", []bus.Entry{at("posts", -time.Minute), at("comments", 0)}, []string{"wrong clocks"}},
		{"written by hand", []bus.Entry{at("", time.Hour)}, nil},
		{"from outside", []bus.Entry{at("shop", 328*24*time.Hour)}, []string{"note clocks"}},
	}
	var all said
	for _, tt := range tests {
		var f findings
		f.writers(postsStream, tt.latest)
		if diff := cmp.Diff(tt.want, levels(f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		all.add(t, tt.name, f)
	}
	golden(t, "doctor-of-writers", all.String())
}

func TestDoctorOfGroups(t *testing.T) {
	living := []bus.ConsumerInfo{{Name: "gone"}, {Name: "a", Alive: true}}
	group := func(name string, consumers []bus.ConsumerInfo) bus.GroupInfo {
		return bus.GroupInfo{Name: name, Consumers: consumers}
	}
	resting := group("query", living)
	resting.Paused = &bus.Pause{Reason: "x"}
	tests := []struct {
		name   string
		groups []bus.GroupInfo
		want   []string
	}{
		{"all live", []bus.GroupInfo{group("query", living)}, nil},
		{"never ran", nil, []string{"wrong groups"}},
		{"gone", []bus.GroupInfo{group("query", living[:1])}, []string{"wrong groups"}},
		{"paused", []bus.GroupInfo{resting}, []string{"note groups"}},
		{"a stranger is gone", []bus.GroupInfo{group("query", living), group("audit", nil)}, []string{"wrong groups"}},
	}
	var all said
	for _, tt := range tests {
		var f findings
		f.groups([]string{"query"}, []bus.StreamInfo{{Name: postsStream, Groups: tt.groups}, {Name: commentsStream, Groups: tt.groups}}, nil, "redis-cli")
		if diff := cmp.Diff(tt.want, levels(f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		all.add(t, tt.name, f)
	}
	golden(t, "doctor-of-groups", all.String())
}

func TestDoctorOfWork(t *testing.T) {
	state := func(lag, pending int64) []bus.StreamInfo {
		return []bus.StreamInfo{{Name: postsStream, Groups: []bus.GroupInfo{{Name: "query", Lag: &lag, Pending: pending}}}}
	}
	old := []unfinished{{group: "query", PendingEntry: bus.PendingEntry{Entry: bus.Entry{Stream: postsStream, ID: entryAt(0)}, Consumer: "a", Idle: time.Hour}}}
	tests := []struct {
		name          string
		before, after []bus.StreamInfo
		stuck         []unfinished
		want          []string
	}{
		{"idle", state(0, 0), state(0, 0), nil, nil},
		{"has begun", state(0, 0), state(5, 5), nil, nil},
		{"drains", state(100, 50), state(50, 60), nil, nil},
		{"grows", state(100, 50), state(150, 60), nil, []string{"note work"}},
		{"stuck", state(0, 1), state(0, 1), old, []string{"wrong work"}},
		{"stands while more comes", state(100, 50), state(150, 50), nil, []string{"note work"}},
		{"new since", nil, state(5, 5), nil, nil},
	}
	var all said
	for _, tt := range tests {
		var f findings
		f.work(tt.before, tt.after, tt.stuck)
		if diff := cmp.Diff(tt.want, levels(f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		all.add(t, tt.name, f)
	}
	golden(t, "doctor-of-work", all.String())
}

func TestDoctorOfUsers(t *testing.T) {
	for _, said := range []string{"NOAUTH Authentication required.", "WRONGPASS invalid", "NOPERM this user"} {
		if got := awayAdvice(errors.New(said)); got == awayAdvice(errors.New("connection refused")) {
			t.Errorf("%s: advice %q, want one about the user", said, got)
		}
	}
}
