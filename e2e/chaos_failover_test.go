package e2e

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var errNotInStep = errors.New("the replica is not in step in time")

// failover hands the lead to the spare server without losing anything: Redis holds
// writes up until the replica has everything. The replica must keep all that on
// disk before; after a full copy it does only when it has written its file anew.
func (c *chaos) failover(ctx context.Context) error {
	was, next := c.redis.Client(), c.spare.Client()
	defer func() { _, _ = was.Close(), next.Close() }()
	if !until(ctx, func() bool {
		return says(ctx, next, "replication", "role:slave", "master_link_status:up") &&
			says(ctx, next, "persistence", "aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0", "aof_last_bgrewrite_status:ok")
	}) {
		return errNotInStep
	}
	if err := was.Do(ctx, "FAILOVER", "TO", "127.0.0.1", c.spare.Port, "TIMEOUT", 3000).Err(); err != nil {
		return err
	}
	// Begun, it must be known how it ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if !until(ctx, func() bool { return says(ctx, was, "replication", "master_failover_state:no-failover") }) {
		return errors.New("the failover does not end")
	}
	if !says(ctx, was, "replication", "role:slave") {
		return errors.New("Redis gave it up")
	}
	c.redis, c.spare = c.spare, c.redis
	for _, proxy := range c.proxies {
		proxy.Retarget(c.redis.Addr())
	}
	return nil
}

// says reports whether that section of INFO has all of the lines.
func says(ctx context.Context, client *redis.Client, section string, lines ...string) bool {
	info, err := client.Info(ctx, section).Result()
	if err != nil {
		return false
	}
	for _, line := range lines {
		if !strings.Contains(info, "\n"+line+"\r") {
			return false
		}
	}
	return true
}

// until polls until ok or the end of ctx, and returns which.
func until(ctx context.Context, ok func() bool) bool {
	for !ok() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}
