package frontend

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"newsfeed/internal/telemetry"
	"newsfeed/internal/web"
)

// Port is where the server listens if it is not told otherwise.
const Port = 3000

// name is that under which the server's spans are found.
const name = "frontend"

// Config is what the server can be told by environment variables.
type Config struct {
	ListenAddr     web.ListenAddr    `env:"LISTEN_ADDR"`
	TrustedProxies []web.Proxy       `env:"TRUSTED_PROXIES" envDefault:"127.0.0.0/8,::1"`
	MaxConnections web.Connections   `env:"MAX_CONNECTIONS" envDefault:"4096"`
	LogLevel       slog.Level        `env:"LOG_LEVEL" envDefault:"info"`
	DrainDelay     web.Delay         `env:"DRAIN_DELAY" envDefault:"0s"`
	DrainTimeout   web.DrainDuration `env:"DRAIN_TIMEOUT" envDefault:"8s"`
	web.TraceConfig

	PostsURL     Upstream `env:"POSTS_URL" envDefault:"http://127.0.0.1:5001"`
	CommentsURL  Upstream `env:"COMMENTS_URL" envDefault:"http://127.0.0.1:5002"`
	ModeratorURL Upstream `env:"MODERATOR_URL" envDefault:"http://127.0.0.1:5003"`
	QueryURL     Upstream `env:"QUERY_URL" envDefault:"http://127.0.0.1:5004"`
	EventBusURL  Upstream `env:"EVENTBUS_URL" envDefault:"http://127.0.0.1:5005"`
}

// Upstream is where a service is: http://host:port or https://host:port.
type Upstream string

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *Upstream) UnmarshalText(text []byte) error {
	s := strings.TrimSuffix(string(text), "/")
	parsed, err := url.Parse(s)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" ||
		s != parsed.Scheme+"://"+parsed.Host {
		return errors.New("is not an address such as http://127.0.0.1:5001, without a path")
	}
	*u = Upstream(s)
	return nil
}

// Run serves until ctx ends, and returns nil after a clean stop.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	site, built, err := Site()
	if err != nil {
		return err
	}
	if !built {
		log.Warn("the page is not built into this program; it says how to get it")
	}
	t, err := telemetry.Start(ctx, name, "", cfg.TraceConfig, log)
	if err != nil {
		return err
	}
	defer t.Close()
	gateway := newProxy(cfg, log)
	gateway.reverse.Transport = t.Transport(gateway.transport)
	defer gateway.close()
	// Always ready: the page is there whatever else is not, and says so itself.
	probes := web.NewProbes(func(context.Context) error { return nil })
	rt, err := newRouter(site, gateway, probes, t.Routes, log, append(t.Options(telemetry.Public()),
		web.WithTrustedProxies(cfg.TrustedProxies), web.WithConnections(cfg.MaxConnections))...)
	if err != nil {
		return err
	}
	ctx, cancel := web.Linger(ctx, probes, time.Duration(cfg.DrainDelay))
	defer cancel()
	return web.Serve(ctx, web.Server{
		Handler: rt, Log: log, Addr: string(cfg.ListenAddr), Port: Port, Probes: probes,
		Drain:  time.Duration(cfg.DrainTimeout),
		Limits: web.Limits{Connections: int(cfg.MaxConnections)},
	})
}
