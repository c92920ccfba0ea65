package bustest

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// fillerBytes is how much Fill writes, so much that what a test adds changes the
// share of the memory that is used by less than a percent.
const fillerBytes = 80 << 20

// Fill sets the maxmemory of a Redis so that percent of it are used, after writing 80 MiB
// that belong to nobody.
func Fill(ctx context.Context, c redis.UniversalClient, percent int) error {
	const chunk = 1 << 20
	if n, err := c.Exists(ctx, "filler:0").Result(); err != nil || n == 0 {
		if err != nil {
			return err
		}
		value := strings.Repeat("x", chunk)
		for i := range fillerBytes / chunk {
			if err := c.Set(ctx, fmt.Sprintf("filler:%d", i), value, 0).Err(); err != nil {
				return err
			}
		}
	}
	text, err := c.Info(ctx, "memory").Result()
	if err != nil {
		return err
	}
	used := int64(0)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			if used, err = strconv.ParseInt(value, 10, 64); err != nil {
				return err
			}
		}
	}
	return c.ConfigSet(ctx, "maxmemory", strconv.FormatInt(used*100/int64(percent), 10)).Err()
}
