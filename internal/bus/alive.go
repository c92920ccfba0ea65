package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// keepAlive renews this consumer's sign of life until ctx ends. It is a key
// with a TTL, because Redis's own idle time grows on a consumer that waits in a
// blocking read or works on a slow entry. Its value names the process, so that
// two that use one name find out.
func (c *consumer) keepAlive(ctx context.Context) {
	token := uuid.NewString()
	warned := false
	for first := true; ctx.Err() == nil; first = false {
		before, err := c.sign(ctx, token)
		if err != nil {
			sleep(ctx, c.b.opt.Alive/20)
			continue
		}
		if !first && !warned && before != "" && before != token {
			c.log.Warn("another process reads under the same consumer name: give each replica a name of its own")
			warned = true
		}
		sleep(ctx, c.b.opt.Alive/3)
	}
}

// sign renews the sign of life and returns what it was, "" for none. Renewing
// needs no memory, so that it works when Redis is full.
func (c *consumer) sign(ctx context.Context, token string) (before string, err error) {
	key := c.aliveKey(c.name)
	before, err = c.b.client.GetEx(ctx, key, c.b.opt.Alive).Result()
	if err == nil && before == token {
		return before, nil
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", err
	}
	return before, c.b.client.Set(ctx, key, token, c.b.opt.Alive).Err()
}

// signOff takes the sign of life away, so that what is left pending may be
// claimed at once.
func (c *consumer) signOff(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := c.b.client.Del(ctx, c.aliveKey(c.name)).Err(); err != nil {
		c.log.Info("could not sign off; others will notice by time", "error", err)
	}
}

// DeleteConsumer removes a consumer from a group. It refuses with [ErrBusy] one
// that shows a sign of life or has entries pending, which Redis would drop
// along with it; [ErrNotFound] says that there is none of that name.
func (b *Bus) DeleteConsumer(ctx context.Context, stream, group, consumer string) error {
	alive := fmt.Sprintf("%s:alive:%s:%s", tagOf(stream), group, consumer)
	verdict, err := b.scripts.retire.Run(ctx, b.client, []string{stream, alive}, group, consumer).Text()
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
