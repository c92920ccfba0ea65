package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// life is one replica's sign of life on the streams of one owner: a key with a
// TTL, because Redis's own idle time grows on a consumer that waits in a blocking
// read or works on a slow entry. Its value names the process, so that two that
// use one name find out.
type life struct {
	b     *Bus
	key   string
	token string
	log   *slog.Logger
}

func aliveKey(stream, group, consumer string) string {
	return tagOf(stream) + ":alive:" + group + ":" + consumer
}

// keep renews the sign until ctx ends, and takes it away then, so that what is
// left pending may be claimed at once.
func (l life) keep(ctx context.Context) {
	warned := false
	for first := true; ctx.Err() == nil; first = false {
		before, err := l.sign(ctx)
		if err != nil {
			sleep(ctx, l.b.opt.Alive/20)
			continue
		}
		if !first && !warned && before != "" && before != l.token {
			l.log.Warn("another process reads under the same consumer name: give each replica a name of its own")
			warned = true
		}
		sleep(ctx, l.b.opt.Alive/3)
	}
	l.signOff(context.WithoutCancel(ctx))
}

// sign renews the sign of life and returns what it was, "" for none. Renewing
// needs no memory, so that it works when Redis is full.
func (l life) sign(ctx context.Context) (before string, err error) {
	before, err = l.b.client.GetEx(ctx, l.key, l.b.opt.Alive).Result()
	if err == nil && before == l.token {
		return before, nil
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", err
	}
	return before, l.b.Do(ctx, "SET", l.key, l.token, "PX", l.b.opt.Alive.Milliseconds()).Err()
}

// signOff leaves alone the sign of another process that uses the same name.
func (l life) signOff(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	token, err := l.b.client.GetEx(ctx, l.key, l.b.opt.Alive).Result() // what sign needs, too, and so no right more
	if err == nil && token == l.token {
		err = l.b.client.Del(ctx, l.key).Err()
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		l.log.Info("could not sign off; others will notice by time", "error", err)
	}
}

// DeleteConsumer removes a consumer from a group. It refuses with [ErrBusy] one
// that shows a sign of life or has entries pending, which Redis would drop
// along with it; [ErrNotFound] says that there is none of that name.
func (b *Bus) DeleteConsumer(ctx context.Context, stream, group, consumer string) error {
	keys := []string{stream, aliveKey(stream, group, consumer)}
	verdict, err := b.Run(ctx, b.scripts.retire, keys, group, consumer).Text()
	if err != nil {
		return Err("delete consumer "+consumer, err)
	}
	switch verdict {
	case "OK":
		return nil
	case "NONE":
		return fmt.Errorf("consumer %s of %s on %s: %w", consumer, group, stream, ErrNotFound)
	default:
		return fmt.Errorf("consumer %s of %s on %s: %w: %s", consumer, group, stream, ErrBusy, verdict)
	}
}
