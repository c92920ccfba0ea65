package web

import (
	"errors"
	"math"
	"os"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestLimitMemory(t *testing.T) {
	const container = 128 << 20
	for _, tt := range []struct {
		name     string
		env      map[string]string
		provider memlimit.Provider
		want     int64
		ballast  int
	}{
		{"follows the container", nil, memlimit.Limit(container), container * 9 / 10, 16 << 20},
		{"small container", nil, memlimit.Limit(64 << 20), (64 << 20) * 9 / 10, 0},
		{"another share", map[string]string{"AUTOMEMLIMIT": "0.5"}, memlimit.Limit(container), container / 2, 16 << 20},
		{"GOMEMLIMIT stays", map[string]string{"GOMEMLIMIT": "100MiB"}, memlimit.Limit(container), 100 << 20, 16 << 20},
		{"empty GOMEMLIMIT", map[string]string{"GOMEMLIMIT": ""}, memlimit.Limit(container), container * 9 / 10, 16 << 20},
		{"no limit", nil, func() (uint64, error) { return 0, memlimit.ErrNoLimit }, math.MaxInt64, 16 << 20},
		{"no cgroup", nil, func() (uint64, error) { return 0, errors.New("none") }, 100 << 20, 16 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(100 << 20)) // as Go has read GOMEMLIMIT
			t.Setenv("GOMEMLIMIT", "")
			_ = os.Unsetenv("GOMEMLIMIT")
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			limit, err := limitMemory(memlimit.WithProvider(tt.provider))
			if err != nil {
				t.Fatal(err)
			}
			if got := debug.SetMemoryLimit(-1); got != limit || got/1024 != tt.want/1024 {
				t.Errorf("the limit is %d, returned %d, want %d", got, limit, tt.want)
			}
			if got := ballastOf(limit); got != tt.ballast {
				t.Errorf("ballast of %d, want %d", got, tt.ballast)
			}
		})
	}
}

func TestLimitMemory_MalformedShare_ConfigError(t *testing.T) {
	t.Setenv("AUTOMEMLIMIT", "much")
	if _, err := limitMemory(); ExitCode(err) != exitConfig {
		t.Errorf("got %v", err)
	}
}
