package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// Config is what every service can be told by environment variables. A service
// embeds it in its own:
//
//	type Config struct {
//		web.Config
//		EditKey web.Secret `env:"EDIT_KEY"`
//	}
//
// It has no methods that an embedding type would take over by accident; what is
// secret hides itself.
type Config struct {
	ListenAddr     ListenAddr    `env:"LISTEN_ADDR"`
	RedisURL       RedisURL      `env:"REDIS_URL" envDefault:"redis://127.0.0.1:6380"`
	CORSOrigins    []Origin      `env:"CORS_ORIGINS"`
	TrustedProxies []Proxy       `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1"`
	MaxConnections Connections   `env:"MAX_CONNECTIONS" envDefault:"4096"`
	LogLevel       slog.Level    `env:"LOG_LEVEL" envDefault:"info"`
	Instance       Instance      `env:"INSTANCE"`
	DrainDelay     Delay         `env:"DRAIN_DELAY" envDefault:"0s"`
	DrainTimeout   DrainDuration `env:"DRAIN_TIMEOUT" envDefault:"8s"`
	TraceConfig
}

// ListenAddr is host:port with an IP address or localhost, or :port for all
// interfaces. Empty, it stands for the service's own port on loopback.
type ListenAddr string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *ListenAddr) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	n, portErr := strconv.ParseUint(port, 10, 16)
	hostOK := host == "" || host == "localhost" || net.ParseIP(host) != nil
	if err != nil || portErr != nil || !hostOK || strconv.FormatUint(n, 10) != port {
		return errors.New("is not an address such as 127.0.0.1:5001, [::1]:5001 or :5001")
	}
	*a = ListenAddr(text)
	return nil
}

// Loopback reports whether only this machine can connect to the address.
func (a ListenAddr) Loopback() bool { return a == "" || loopbackHost(string(a)) }

// Instance is the name of one replica of a service, 1 to 64 of A–Z a–z 0–9 . _ -.
// It must stay the same over restarts, because consumers are found by it.
type Instance string

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *Instance) UnmarshalText(text []byte) error {
	if !sane.Match(text) {
		return errors.New("is not a name of 1 to 64 letters, digits, points, underscores and hyphens")
	}
	*i = Instance(text)
	return nil
}

// Or returns i, or if it is empty a name made from the machine's and the port of
// the service: two replicas on one machine have different ports.
func (i Instance) Or(port int) (Instance, error) {
	if i != "" {
		return i, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", &ConfigError{"INSTANCE", fmt.Errorf("must be set, as this machine does not know its name: %w", err)}
	}
	name := fmt.Sprintf("%s-%d", host, port)
	if err := i.UnmarshalText([]byte(name)); err != nil {
		return "", &ConfigError{"INSTANCE", fmt.Errorf("must be set, as the name of this machine, %q, %w", name, err)}
	}
	return i, nil
}

// DrainDuration is how long running requests may take when the service stops:
// more than nothing, at most a minute.
type DrainDuration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *DrainDuration) UnmarshalText(text []byte) error {
	n, err := time.ParseDuration(string(text))
	if err != nil || n <= 0 || n > time.Minute {
		return errors.New("is not a duration up to 1m, such as 8s")
	}
	*d = DrainDuration(n)
	return nil
}

// String is the duration such as 8s.
func (d DrainDuration) String() string { return time.Duration(d).String() }
