package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"newsfeed/internal/bus"
)

// How far clocks may be apart. The order of the streams across services, and the
// ages that these commands show, are as good as the clocks.
const (
	skewNoted = time.Second
	skewWrong = 10 * time.Second
)

// server judges one Redis server.
func (f *findings) server(s bus.ServerInfo) {
	if s.TooOld() {
		f.add(wrong, "Redis", fmt.Sprintf("%s at %s is too old", s.Version, s.Addr), "install Redis 7.0 or later")
	} else {
		f.add(fine, "Redis", fmt.Sprintf("%s at %s", s.Version, s.Addr), "")
	}
	if s.Replica {
		f.add(wrong, "Redis", "this is a replica, which takes no writes", "let REDIS_URL name the server that it follows")
	}
	f.persistence(s)
	f.memory(s)
	f.users(s)
	f.clock(s)
}

func (f *findings) persistence(s bus.ServerInfo) {
	const about, keep = "persistence", "in redis.conf: appendonly yes, and appendfsync always"
	switch {
	case s.WriteFailed:
		f.add(wrong, about, "the last write to the disk failed", "make room on the disk of Redis; its log says more")
	case !s.AppendOnly && s.Saves != "":
		f.add(wrong, about, "there are snapshots only: what was accepted since the last one is lost when Redis ends", keep)
	case !s.AppendOnly:
		f.add(wrong, about, "there is no append-only file: what was accepted may be lost when Redis ends", keep)
	case s.AppendFsync == "always":
		f.add(fine, about, "every write is on the disk before it is answered", "")
	case s.AppendFsync == "everysec":
		f.add(note, about, "the file is synced every second: a power cut may take the last two seconds of what was accepted",
			"where that is too much: redis-cli CONFIG SET appendfsync always")
	case s.AppendFsync == "no":
		f.add(wrong, about, "the file is synced when the system likes", "redis-cli CONFIG SET appendfsync always")
	default:
		f.add(note, about, "there is an append-only file; how often it is synced, this user may not see", "")
	}
}

func (f *findings) memory(s bus.ServerInfo) {
	const about = "memory"
	if s.Policy != "noeviction" && s.Policy != "" {
		f.add(wrong, about, fmt.Sprintf("when it is full, Redis throws data away (%s)", s.Policy),
			"redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf")
	}
	used := megabytes(s.Used)
	if s.Max == 0 {
		f.add(note, about, used+" used, without a bound: a machine that runs out of memory ends Redis",
			"set maxmemory in redis.conf, below what the machine has")
		return
	}
	says := fmt.Sprintf("%s of %s used", used, megabytes(s.Max))
	switch share := float64(s.Used) / float64(s.Max); {
	case share > 0.95:
		f.add(wrong, about, says+": writes are refused, or will be", "raise maxmemory")
	case share > 0.8:
		f.add(note, about, says, "raise maxmemory before it is full: then writes are refused")
	default:
		f.add(fine, about, says, "")
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+1<<20-1)>>20) }

func (f *findings) users(s bus.ServerInfo) {
	const about = "users"
	var missing []string
	for _, name := range services() {
		if !slices.Contains(s.Users, name) {
			missing = append(missing, name)
		}
	}
	switch {
	case s.OpenDefault && !s.LoopbackOnly:
		f.add(wrong, about, "whoever reaches Redis may do everything, without a password",
			"give the user default a password or less to do, or bind Redis to loopback; see docker-redis/users.acl")
	case s.OpenDefault:
		f.add(fine, about, "whoever is on this machine may do everything, and nobody else can connect", "")
	case s.Users == nil:
		f.add(fine, about, fmt.Sprintf("this is %q, who may not see the others", s.User), "")
	case len(missing) == 0:
		f.add(fine, about, "every service has its own", "")
	case len(missing) < len(services()):
		f.add(note, about, "there is none for "+strings.Join(missing, ", "), "see docker-redis/users.acl")
	default:
		f.add(note, about, "the services share one: each could write what belongs to another", "see docker-redis/users.acl")
	}
}

func (f *findings) clock(s bus.ServerInfo) {
	const about = "clocks"
	off := s.Ahead.Abs() - s.Uncertain
	direction := "ahead of"
	if s.Ahead < 0 {
		direction = "behind"
	}
	says := fmt.Sprintf("that of Redis is %s %s this machine's", s.Ahead.Abs().Round(100*time.Millisecond), direction)
	const do = "let both machines keep time with NTP"
	switch {
	case off > skewWrong:
		f.add(wrong, about, says, do)
	case off > skewNoted:
		f.add(note, about, says, do)
	default:
		f.add(fine, about, "that of Redis and this machine's agree", "")
	}
}

// writers compares the clocks of those who wrote a stream's latest entries with
// that of Redis. An event is made just before it is appended: made later it
// cannot be, and all of a writer's long before means that its clock is behind.
func (f *findings) writers(stream string, latest []bus.Entry) {
	least := map[string]time.Duration{}
	for _, e := range latest {
		waited := e.ID.Time().Sub(e.Event.Time)
		if before, ok := least[e.Event.Source]; e.Event.Source != "" && (!ok || waited < before) {
			least[e.Event.Source] = waited
		}
	}
	const do = "let the machines of the services and of Redis keep time with NTP"
	for _, name := range slices.Sorted(maps.Keys(least)) {
		waited := least[name]
		direction, l := "behind", note
		if waited < 0 {
			direction = "ahead of"
		}
		if waited.Abs() > skewWrong {
			l = wrong
		}
		if waited.Abs() > skewNoted {
			f.add(l, "clocks", fmt.Sprintf("that of %s is %s %s Redis's, by its latest events on %s",
				visible(name, 40), waited.Abs().Round(100*time.Millisecond), direction, stream), do)
		}
	}
}
