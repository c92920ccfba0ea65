package web

import (
	"os"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// ballastSize is what lies in the heap and is never touched, so that it takes no
// memory from the machine. A service keeps a few megabytes; the garbage collector,
// which runs when the heap has doubled, would without this run a hundred times a
// second under load. docs/decisions/0033 has the figures.
const ballastSize = 16 << 20

// memoryShare is how much of the container's memory the program may use before the
// garbage collector works harder.
const memoryShare = 0.9

// limitMemory sets Go's memory limit to a share of the container's (cgroup v1 and v2),
// and returns the limit, which is math.MaxInt64 for none. A limit in GOMEMLIMIT stays.
// The library reads AUTOMEMLIMIT, too.
func limitMemory(opts ...memlimit.Option) (int64, error) {
	if limit, set := os.LookupEnv("GOMEMLIMIT"); set && limit == "" {
		// As Compose passes on a variable that is not set. Neither Go nor the library
		// would take it for that.
		if err := os.Unsetenv("GOMEMLIMIT"); err != nil {
			return 0, err
		}
	}
	limit, err := memlimit.Set(append([]memlimit.Option{memlimit.WithRatio(memoryShare)}, opts...)...)
	if err != nil && os.Getenv("AUTOMEMLIMIT") != "" {
		return limit, &ConfigError{Variable: "AUTOMEMLIMIT", Err: err}
	}
	return limit, nil // without a cgroup there is no limit to follow
}

// ballastOf is the size of the ballast under a memory limit, which counts it as used:
// none where it would be more than a quarter.
func ballastOf(limit int64) int {
	if limit < 4*ballastSize {
		return 0
	}
	return ballastSize
}
