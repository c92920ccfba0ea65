package bus

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Priority says which writes stop first when Redis runs out of memory.
type Priority int

const (
	// Essential writes go on when Redis is full, up to 64 MiB above its maxmemory:
	// verdicts, deletions, what administrators do, and what consumers make of
	// entries that are on a stream already. The zero value.
	Essential Priority = iota
	// Ordinary writes go on until Redis is full: what can be made again later.
	Ordinary
	// NewText writes stop at 90 % of maxmemory, so that there is room for the verdicts
	// and deletions of the texts that are there: texts that come from outside.
	NewText
)

const (
	// readEvery is how often the memory is read, staleAfter how old a reading may be.
	readEvery  = 250 * time.Millisecond
	staleAfter = 4 * readEvery
	// Shares of maxmemory: new texts are refused from reservePercent on, and between
	// two readings a process admits textPercent.
	reservePercent = 90
	textPercent    = 1
	// overdraft is how far above maxmemory essential writes may go.
	overdraft = 64 << 20
)

// ErrFull says that Redis has no memory for a write. It comes inside an
// [UnavailableError].
var ErrFull = errors.New("Redis is nearly full: new texts are refused")

// Memory is how much memory Redis uses, as last read. In a cluster it is that of
// the fullest node.
type Memory struct {
	// Used and Max are bytes. Max is 0 if there is no limit, or none is known.
	Used, Max int64
}

// Share is Used as a share of Max, 0 without a limit.
func (m Memory) Share() float64 {
	if m.Max <= 0 {
		return 0
	}
	return float64(m.Used) / float64(m.Max)
}

// Reserved reports whether only the reserve is left, so that new texts are refused.
func (m Memory) Reserved() bool { return m.Max > 0 && m.Used >= m.Max/100*reservePercent }

// Memory returns the last reading.
func (b *Bus) Memory() Memory {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	return b.memory.last
}

// TextsRefused returns how many new texts have been refused for want of memory.
func (b *Bus) TextsRefused() int64 {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	return b.memory.refused
}

// WatchMemory reads the memory of Redis every 250 ms until ctx ends, and logs when
// new texts begin to be refused and when they no longer are. Without it the memory is
// read when a write asks for it.
func (b *Bus) WatchMemory(ctx context.Context) {
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	reserved := false
	for {
		if err := b.memory.read(ctx); err == nil {
			m := b.Memory()
			switch {
			case m.Reserved() && !reserved:
				b.log.Warn("new texts are refused: Redis is nearly full", memoryAttrs(m)...)
			case !m.Reserved() && reserved:
				b.log.Info("new texts are accepted again", memoryAttrs(m)...)
			}
			reserved = m.Reserved()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func memoryAttrs(m Memory) []any {
	return []any{slog.Int64("used_bytes", m.Used), slog.Int64("max_bytes", m.Max)}
}

// memory decides which writes there is memory for.
type memory struct {
	client redis.UniversalClient

	mu   sync.Mutex
	last Memory
	at   time.Time // of last, zero before the first reading
	// texts are the bytes of new text admitted since the last reading began, and
	// beyond those of essential writes that went above the limit.
	texts, beyond int64
	refused       int64
	reading       *reading // under way, or nil
}

// reading is one reading of the memory that several callers wait for.
type reading struct {
	done chan struct{}
	err  error
}

// admit returns nil if there is memory for that many bytes of new text. When the
// bytes admitted since the last reading reach their bound, it reads again, so that a
// fast writer is slowed down only where memory is scarce.
func (m *memory) admit(ctx context.Context, bytes int64) error {
	for {
		fresh, err := m.tryAdmit(bytes)
		if fresh {
			return err
		}
		if err := m.read(ctx); err != nil {
			return Err("read the memory", err)
		}
	}
}

// tryAdmit decides by the last reading. fresh is false if another one is needed.
func (m *memory) tryAdmit(bytes int64) (fresh bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() || time.Since(m.at) > staleAfter {
		return false, nil
	}
	if m.last.Reserved() {
		m.refused++
		return true, &UnavailableError{Op: "write a new text", Err: ErrFull}
	}
	// A text that is larger than the bound is admitted alone.
	if m.last.Max > 0 && m.texts > 0 && m.texts+bytes > m.last.Max/100*textPercent {
		return false, nil
	}
	m.texts += bytes
	return true, nil
}

// overdraw reports whether an essential write of that many bytes may go above the
// limit.
func (m *memory) overdraw(ctx context.Context, bytes int64) bool {
	m.mu.Lock()
	stale := m.at.IsZero() || time.Since(m.at) > readEvery
	m.mu.Unlock()
	if stale && m.read(ctx) != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.Used+m.beyond+bytes > m.last.Max+overdraft {
		return false
	}
	m.beyond += bytes
	return true
}

// read reads the memory, or waits for a reading that is under way.
func (m *memory) read(ctx context.Context) error {
	m.mu.Lock()
	r := m.reading
	if r != nil {
		m.mu.Unlock()
		select {
		case <-r.done:
			return r.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r = &reading{done: make(chan struct{})}
	m.reading = r
	texts, beyond := m.texts, m.beyond
	m.mu.Unlock()

	// Others wait for it too, so it does not end with the caller.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	last, err := readMemory(asking, m.client)
	cancel()

	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.last, m.at = last, time.Now()
		m.texts, m.beyond = m.texts-texts, m.beyond-beyond
	}
	m.reading, r.err = nil, err
	close(r.done)
	return err
}

// memoryOf reads what INFO says. Like Redis, it does not count the buffers for replicas
// and for the append-only file.
func memoryOf(info map[string]string) Memory {
	return Memory{number(info["used_memory"]) - number(info["mem_not_counted_for_evict"]), number(info["maxmemory"])}
}

// readMemory asks every node that takes writes and returns the memory of the
// fullest. A user who may not ask, or a stand-in for Redis that does not know, has no
// limit.
func readMemory(ctx context.Context, client redis.UniversalClient) (Memory, error) {
	var mu sync.Mutex // the cluster client asks its nodes side by side
	var fullest Memory
	ask := func(ctx context.Context, c *redis.Client) error {
		text, err := c.Info(ctx, "memory").Result()
		if Answered(err) && (!infrastructure(err) || Refused(err)) {
			return nil
		}
		if err != nil {
			return err
		}
		one := memoryOf(infoFields(text))
		mu.Lock()
		defer mu.Unlock()
		if fullest == (Memory{}) || one.Share() > fullest.Share() {
			fullest = one
		}
		return nil
	}
	var err error
	switch c := client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, ask)
	case *redis.Client:
		err = ask(ctx, c)
	}
	return fullest, err
}
