package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"newsfeed/internal/web"
)

type upOptions struct {
	without    []string
	portOffset int
	dataDir    string
	everywhere bool
}

func (o *upOptions) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.without, "without", nil, "services that are not to be started, such as moderator,query")
	f.IntVar(&o.portOffset, "port-offset", 0, "add this to every port")
	f.StringVar(&o.dataDir, "data-dir", "./data", "where Redis keeps its data")
	f.BoolVar(&o.everywhere, "all-interfaces", false,
		"listen on every interface and not on loopback only, as a container must (Redis stays on loopback)")
	var names []string
	for _, s := range allServices() {
		names = append(names, s.name)
	}
	if err := cmd.RegisterFlagCompletionFunc("without", fixed(names)); err != nil {
		panic(err) // the flag is not there, or twice
	}
}

func newUp(environ map[string]string) *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start every service in one process (the default)",
		Long: `Start every service in one process, on this machine's loopback only unless
--all-interfaces says otherwise.

Redis is the one that REDIS_URL names; else a redis-server that is installed
here, which keeps its data in --data-dir; else one within the process, which
keeps nothing. LOG_LEVEL=info shows what the services do.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return up(cmd, environ, o) },
	}
	o.register(cmd)
	return cmd
}

// upConfig is what up itself reads of the environment.
type upConfig struct {
	RedisURL   web.RedisURL   `env:"REDIS_URL"`
	ListenAddr web.ListenAddr `env:"LISTEN_ADDR"`
	// LogLevel is higher than a service's own, so that requests do not push
	// away what the user is to read.
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"warn"`
}

// Validate refuses what several services cannot share.
func (c *upConfig) Validate() error {
	if c.ListenAddr != "" {
		return &web.ConfigError{Variable: "LISTEN_ADDR", Err: errors.New(
			"cannot be set for newsfeed up, whose services each need an address of their own: unset it, or use --port-offset")}
	}
	return nil
}

func up(cmd *cobra.Command, environ map[string]string, o upOptions) error {
	ctx, out, errOut := cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	chosen, err := choose(allServices(), o)
	if err != nil {
		return err
	}
	cfg, err := web.Load[upConfig](environ)
	if err != nil {
		return err
	}
	redisURL := string(cfg.RedisURL)
	if redisURL == "" {
		redisURL = localRedisURL(redisPort + o.portOffset)
	}
	services, err := prepareAll(chosen, environ, redisURL, o)
	if err != nil {
		return err
	}
	if err := checkPorts(ctx, services); err != nil {
		return err
	}
	// A reader of the output that goes, as head does, must not end the process at its
	// next line: its Redis would be left behind.
	signal.Ignore(syscall.SIGPIPE)
	newLog := func(name string) *slog.Logger { return web.NewLogger(errOut, name, cfg.LogLevel) }
	db, err := openRedis(ctx, cfg.RedisURL, o, newLog("newsfeed"))
	if err != nil {
		return err
	}
	// Redis ends last: until then the services write down what they have in hand.
	return errors.Join(runAll(ctx, out, services, db, newLog), db.close())
}

func choose(services []service, o upOptions) ([]service, error) {
	if err := checkOffset(o.portOffset); err != nil {
		return nil, err
	}
	var names []string
	for _, s := range services {
		names = append(names, s.name)
	}
	for _, name := range o.without {
		if !slices.Contains(names, name) {
			return nil, usageError{fmt.Errorf("--without %q is none of %s", name, strings.Join(names, ", "))}
		}
	}
	return slices.DeleteFunc(services, func(s service) bool { return slices.Contains(o.without, s.name) }), nil
}

// runAll runs the services until ctx ends or one of them fails, and returns when
// all have ended.
func runAll(
	ctx context.Context, out io.Writer, services []service, db *database, newLog func(name string) *slog.Logger,
) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, s := range services {
		g.Go(func() error {
			err := s.run(gctx, newLog(s.name))
			if err == nil && gctx.Err() == nil {
				err = errors.New("ended by itself")
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			return nil
		})
	}
	g.Go(func() error { return db.watch(gctx) })
	g.Go(func() error {
		if waitReady(gctx, services) != nil {
			return nil // told to stop before it was ready
		}
		if _, err := io.WriteString(out, banner(services, db)); err != nil {
			newLog("newsfeed").Warn("could not write to standard output, continuing", "error", err)
		}
		<-gctx.Done()
		if ctx.Err() != nil {
			_, _ = io.WriteString(out, "\nStopping. Ctrl-C once more ends it at once.\n") // it stops in any case
		}
		return nil
	})
	return g.Wait()
}
