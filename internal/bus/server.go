package bus

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ServerInfo is what one Redis server says of itself. What it does not tell, or
// does not let this user see, is empty.
type ServerInfo struct {
	Addr    string
	TLS     bool
	Version string
	Replica bool // and takes no writes
	// AppendOnly is the append-only file, AppendFsync how often it is synced,
	// and Saves whether there are snapshots.
	AppendOnly  bool
	AppendFsync string
	Saves       string
	// WriteFailed says that the last write to the disk failed.
	WriteFailed bool
	Memory
	// Policy is what Redis does when it is full.
	Policy string
	// User is who this connection is; Users are all that there are.
	User  string
	Users []string
	// OpenDefault says that anybody may do everything without a password, and
	// LoopbackOnly that only this machine can connect so.
	OpenDefault, LoopbackOnly bool
	// Ahead is by how much the server's clock is ahead of this process's, give
	// or take Uncertain.
	Ahead, Uncertain time.Duration
}

// TooOld reports whether the server lacks what this package needs.
func (s ServerInfo) TooOld() bool { return tooOld(s.Version) }

// Servers asks every Redis server that takes writes. A user who may not see the
// configuration gets what INFO says.
func (b *Bus) Servers(ctx context.Context) ([]ServerInfo, error) {
	var mu sync.Mutex // the cluster client asks its nodes side by side
	var infos []ServerInfo
	ask := func(ctx context.Context, c *redis.Client) error {
		info, err := serverInfo(ctx, c)
		if err != nil {
			return Err("ask "+c.Options().Addr, err)
		}
		mu.Lock()
		defer mu.Unlock()
		infos = append(infos, info)
		return nil
	}
	var err error
	switch c := b.client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, ask)
	case *redis.Client:
		err = ask(ctx, c)
	}
	slices.SortFunc(infos, func(a, b ServerInfo) int { return strings.Compare(a.Addr, b.Addr) })
	return infos, err
}

func serverInfo(ctx context.Context, c *redis.Client) (ServerInfo, error) {
	s := ServerInfo{Addr: c.Options().Addr, TLS: c.Options().TLSConfig != nil}
	text, err := c.Info(ctx).Result()
	if err != nil {
		return s, err
	}
	said := infoFields(text)
	s.Version = said["redis_version"]
	s.Replica = said["role"] == "slave"
	s.AppendOnly = said["aof_enabled"] == "1"
	s.WriteFailed = said["aof_last_write_status"] == "err" || said["aof_last_bgrewrite_status"] == "err" ||
		said["rdb_last_bgsave_status"] == "err"
	s.Memory = memoryOf(said)
	s.Policy = said["maxmemory_policy"]
	if s.Ahead, s.Uncertain, err = clock(ctx, c); err != nil {
		return s, err
	}
	// What follows is for administrators; others get no answer, which says nothing.
	configured := map[string]string{}
	for _, name := range []string{"appendfsync", "save", "protected-mode", "bind"} {
		if got, err := c.ConfigGet(ctx, name).Result(); err == nil {
			configured[name] = got[name]
		}
	}
	s.AppendFsync, s.Saves = configured["appendfsync"], configured["save"]
	s.LoopbackOnly = configured["protected-mode"] == "yes" || loopbackOnly(configured["bind"])
	s.User, _ = c.ACLWhoAmI(ctx).Result()
	s.Users, _ = c.ACLUsers(ctx).Result()
	rules, _ := c.ACLList(ctx).Result()
	s.OpenDefault = slices.ContainsFunc(rules, openDefault)
	return s, nil
}

// clock compares the server's clock with this process's: somewhere between the
// request and its answer.
func clock(ctx context.Context, c *redis.Client) (ahead, uncertain time.Duration, err error) {
	before := time.Now()
	at, err := c.Time(ctx).Result()
	half := time.Since(before) / 2
	return at.Sub(before.Add(half)), half, err
}

// openDefault reports whether a line of ACL LIST lets anybody do everything.
func openDefault(rule string) bool {
	words := strings.Fields(rule)
	return len(words) > 2 && words[1] == "default" && slices.Contains(words, "on") &&
		slices.Contains(words, "nopass") && slices.Contains(words, "~*") && slices.Contains(words, "+@all")
}

func loopbackOnly(bind string) bool {
	addrs := strings.Fields(bind)
	return len(addrs) > 0 && !slices.ContainsFunc(addrs, func(a string) bool {
		a = strings.TrimPrefix(a, "-")
		return a != "::1" && !strings.HasPrefix(a, "127.")
	})
}

// infoFields reads what INFO returns.
func infoFields(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // 0 for what is not told
	return n
}
