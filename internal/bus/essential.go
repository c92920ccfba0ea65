package bus

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// allowOOM begins a script that Redis runs also when it is full.
const allowOOM = "#!lua flags=allow-oom\n"

// Script is a Lua script whose writes are [Essential]. It is sent as it is; only if
// Redis refuses it for want of memory, in which case it has written nothing, and there
// is less than 64 MiB above maxmemory, it is sent once more with the flag allow-oom.
//
// The first command that can need memory must come before all other writes, since
// Redis refuses no other one.
type Script struct{ plain, beyond *redis.Script }

// NewScript returns the Script with that source.
func NewScript(source string) *Script {
	return &Script{plain: redis.NewScript(source), beyond: redis.NewScript(allowOOM + source)}
}

// Run runs the script.
func (b *Bus) Run(ctx context.Context, s *Script, keys []string, args ...any) *redis.Cmd {
	return s.run(ctx, b.client, b.memory, keys, args...)
}

func (s *Script) run(ctx context.Context, client redis.UniversalClient, m *memory, keys []string, args ...any) *redis.Cmd {
	cmd := s.plain.Run(ctx, client, keys, args...)
	if !Full(cmd.Err()) || !m.overdraw(ctx, sizeOfArgs(args)) {
		return cmd
	}
	return s.beyond.Run(ctx, client, keys, args...)
}

// Do runs one command that is an [Essential] write. The key is its first argument, or
// with XGROUP the second.
func (b *Bus) Do(ctx context.Context, args ...any) *redis.Cmd {
	cmd := b.client.Do(ctx, args...)
	if !Full(cmd.Err()) || !b.memory.overdraw(ctx, sizeOfArgs(args)) {
		return cmd
	}
	at := 1
	if name, _ := args[0].(string); strings.EqualFold(name, "XGROUP") {
		at = 2
	}
	key, _ := args[at].(string)
	return b.scripts.call.beyond.Run(ctx, b.client, []string{key}, args...)
}

// Full reports whether err says that Redis has no memory for a write.
func Full(err error) bool { return redis.HasErrorPrefix(err, "OOM") || errors.Is(err, ErrFull) }

// perArgument is about what Redis needs for a value beside its bytes.
const perArgument = 64

func sizeOfArgs(args []any) int64 {
	n := int64(0)
	for _, a := range args {
		n += perArgument
		switch v := a.(type) {
		case string:
			n += int64(len(v))
		case *string:
			n += int64(len(*v))
		case []byte:
			n += int64(len(v))
		}
	}
	return n
}
