package main

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
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
		f.add(wrong, "Redis", fmt.Sprintf("%s at %s is too old", cmp.Or(s.Version, "a version it does not tell"), s.Addr), "install Redis 7.0 or later")
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

// redisCLI calls redis-cli on a server.
func redisCLI(s bus.ServerInfo) string {
	cli := "redis-cli"
	if host, port, err := net.SplitHostPort(s.Addr); err == nil {
		cli += " -h " + shellQuoted(host) + " -p " + port
	}
	if s.TLS {
		cli += " --tls"
	}
	if s.User != "" && s.User != "default" {
		cli += " --user " + shellQuoted(s.User) + " --askpass"
	}
	return cli
}

// shellQuoted makes of a text one word for a shell.
func shellQuoted(s string) string {
	plain := func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.:/@", r))
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(visible(s, 1000), "'", `'\''`) + "'"
}

// set says how to change a server's configuration so that it lasts.
func set(s bus.ServerInfo, name, value string) string {
	cli := redisCLI(s)
	return fmt.Sprintf("%s CONFIG SET %s %s\nand for it to last: %s CONFIG REWRITE, or the same in redis.conf", cli, name, value, cli)
}

// keep says how to have an append-only file. A Redis that is started with one where
// there was none reads that, and not the snapshot: so the running one must make it.
func keep(s bus.ServerInfo) string {
	cli := redisCLI(s)
	return strings.Join([]string{
		"let the running Redis make the file; restarted before that with appendonly yes, it begins with nothing:",
		cli + " CONFIG SET appendfsync always",
		cli + " CONFIG SET appendonly yes",
		"wait until it is written: " + cli + " INFO persistence shows aof_rewrite_in_progress:0 and aof_rewrite_scheduled:0",
		"and for it to last: " + cli + " CONFIG REWRITE, or the same in redis.conf",
	}, "\n")
}

func (f *findings) persistence(s bus.ServerInfo) {
	const about = "persistence"
	switch {
	case s.WriteFailed:
		f.add(wrong, about, "the last write to the disk failed", "make room on the disk of Redis; its log says more")
	case !s.AppendOnly && s.Saves != "":
		f.add(wrong, about, "there are snapshots only: what was accepted since the last one is lost when Redis ends", keep(s))
	case !s.AppendOnly:
		f.add(wrong, about, "there is no append-only file: what was accepted may be lost when Redis ends", keep(s))
	case s.AppendFsync == "always":
		f.add(fine, about, "every write is on the disk before it is answered", "")
	case s.AppendFsync == "everysec":
		f.add(note, about, "the file is synced every second: a power cut may take the last two seconds of what was accepted",
			"where that is too much: "+set(s, "appendfsync", "always"))
	case s.AppendFsync == "no":
		f.add(wrong, about, "the file is synced when the system likes", set(s, "appendfsync", "always"))
	default:
		f.add(note, about, "there is an append-only file; how often it is synced, this user may not see", "")
	}
}

func (f *findings) memory(s bus.ServerInfo) {
	const about = "memory"
	if s.Policy != "noeviction" && s.Policy != "" {
		f.add(wrong, about, fmt.Sprintf("when it is full, Redis throws data away (%s)", s.Policy),
			set(s, "maxmemory-policy", "noeviction"))
	}
	used := megabytes(s.Used)
	if s.Max == 0 {
		f.add(note, about, used+" used, without a bound: a machine that runs out of memory ends Redis",
			"set it below what the machine has: "+set(s, "maxmemory", "<bytes>"))
		return
	}
	says := fmt.Sprintf("%s of %s used", used, megabytes(s.Max))
	switch {
	case s.Reserved():
		f.add(wrong, about, says+": new texts are refused", "raise it: "+set(s, "maxmemory", "<bytes>"))
	case s.Share() >= 0.75:
		f.add(note, about, says+": from 90 % on new texts are refused", "raise it: "+set(s, "maxmemory", "<bytes>"))
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
	case s.User == "":
		f.add(fine, about, "this one may not see who there is", "")
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
	says := fmt.Sprintf("that of Redis is %s %s this machine's", apart(s.Ahead), direction)
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
		own := slices.Contains(streams(), event.Stream(name))
		switch {
		case waited.Abs() <= skewNoted:
		case !own:
			f.add(note, "clocks", fmt.Sprintf("the latest events of %s on %s say that they are %s %s Redis's clock",
				visible(name, 40), stream, apart(waited), direction),
				"whoever writes from outside may say any time, and pages are in the order of it")
		default:
			if waited.Abs() > skewWrong {
				l = wrong
			}
			f.add(l, "clocks", fmt.Sprintf("that of %s is %s %s Redis's, by its latest events on %s",
				visible(name, 40), apart(waited), direction, stream), do)
		}
	}
}

// apart writes how far clocks are apart.
func apart(d time.Duration) string {
	if d = d.Abs(); d < time.Minute {
		return d.Round(100 * time.Millisecond).String()
	}
	return ago(d)
}
