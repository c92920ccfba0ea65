package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// oldest is the oldest Redis whose commands suffice: 7.0 counts the lag of
// groups, reports entries trimmed while pending, and has SET … GET NX.
const oldest = 7

// Connect returns a client for urls: redis://[user:password@]host[:port][/db],
// rediss:// for TLS, or a comma-separated list of them for a cluster. Nothing
// is sent yet; see [WaitReady]. An error shows no password.
func Connect(urls string) (redis.UniversalClient, error) {
	quiet()
	var nodes []*redis.Options
	for one := range strings.SplitSeq(urls, ",") {
		opt, err := redis.ParseURL(strings.TrimSpace(one))
		if err != nil {
			return nil, fmt.Errorf("redis URL: %w", withoutSecrets(err))
		}
		nodes = append(nodes, opt)
	}
	first := nodes[0]
	u := &redis.UniversalOptions{
		DB: first.DB, Username: first.Username, Password: first.Password, TLSConfig: first.TLSConfig,
		// CLIENT SETINFO came with Redis 7.2, and the users of 7.0 cannot have it.
		ClientName: "newsfeed", DisableIdentity: true, Protocol: first.Protocol,
		DialTimeout: 2 * time.Second, ReadTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second,
		DialerRetries: 1, MaxRetries: 2, ContextTimeoutEnabled: true,
		IsClusterMode: len(nodes) > 1,
	}
	for _, n := range nodes {
		u.Addrs = append(u.Addrs, n.Addr)
	}
	if u.IsClusterMode && u.DB != 0 {
		return nil, errors.New("redis URL: a cluster has database 0 only")
	}
	return redis.NewUniversalClient(u), nil
}

// withoutSecrets returns what is wrong with a URL without repeating any of it: where
// it is cut wrongly, a part of the password can stand in any place.
func withoutSecrets(err error) error {
	var malformed *url.Error
	if errors.As(err, &malformed) || strings.Contains(err.Error(), "database number") {
		return errors.New("this is not redis://user:password@host:port/database; in a password, write @ : / # % as %40 %3A %2F %23 %25")
	}
	return err
}

// quiet stops go-redis from writing to standard error on its own: what it has to
// say comes back as errors too, and those are logged once and not per connection.
var quiet = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

type silence struct{}

// Printf implements the logger of go-redis.
func (silence) Printf(context.Context, string, ...any) {}

// WaitReady returns once Redis answers, with one line in the log for every try
// that failed, or when ctx ends. A server that is too old is [ErrTooOld], at once.
func WaitReady(ctx context.Context, client redis.UniversalClient, log *slog.Logger) error {
	delay := newBackOff(250*time.Millisecond, 5*time.Second, 2)
	for {
		err := checkVersion(ctx, client)
		if err == nil || errors.Is(err, ErrTooOld) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("waiting for Redis: %w", ctx.Err())
		}
		wait := delay.NextBackOff()
		log.Warn(notReady(err), "error", err, "next_try_in", wait.Round(time.Millisecond))
		sleep(ctx, wait)
	}
}

// notReady says in a few words why Redis cannot be used yet.
func notReady(err error) string {
	switch {
	case NotLetIn(err):
		return "Redis refuses the user or the password of REDIS_URL"
	case Refused(err):
		return "Redis does not permit this user what the service needs"
	case Answered(err):
		return "Redis is not ready yet"
	default:
		return "Redis does not answer yet"
	}
}

func checkVersion(ctx context.Context, client redis.UniversalClient) error {
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		if Answered(err) && !infrastructure(err) {
			return nil // a stand-in for Redis, such as miniredis, that has no version to tell
		}
		return err
	}
	if version := infoFields(info)["redis_version"]; tooOld(version) {
		return fmt.Errorf("%w: this is version %q, and %d.0 or later is needed", ErrTooOld, version, oldest)
	}
	return nil
}

// tooOld reports whether a version is none or not new enough.
func tooOld(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	return err != nil || n < oldest
}

// Ready reports whether Redis answers.
func (b *Bus) Ready(ctx context.Context) error {
	return Err("ping", b.client.Ping(ctx).Err())
}
