package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
	"newsfeed/internal/web"
	"newsfeed/services/eventbus"
)

// redisFlags say which Redis to look at.
type redisFlags struct {
	url        string
	portOffset int
	given      *pflag.FlagSet
}

func (f *redisFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "redis-url", "", "the Redis to look at (default: REDIS_URL, or that of newsfeed up)")
	flags.IntVar(&f.portOffset, "port-offset", 0, "that of the newsfeed up to look at, whatever REDIS_URL says")
	f.given = flags
}

// open returns a bus that nothing has been sent over yet, and what closes it.
func (f *redisFlags) open(ctx context.Context, environ map[string]string) (b *bus.Bus, closeBus func(), err error) {
	if err := checkOffset(f.portOffset); err != nil {
		return nil, nil, err
	}
	url, named, moved := f.url, "--redis-url", f.given.Changed("port-offset")
	if url != "" && moved {
		return nil, nil, usageError{errors.New("--redis-url and --port-offset each name a Redis: say one of them")}
	}
	if url == "" && !moved {
		cfg, err := web.Load[struct {
			RedisURL web.RedisURL `env:"REDIS_URL"`
		}](environ)
		if err != nil {
			return nil, nil, err
		}
		url, named = string(cfg.RedisURL), "REDIS_URL"
	}
	if url == "" {
		url = localRedisURL(redisPort + f.portOffset)
	}
	client, err := bus.Connect(url)
	if err != nil {
		return nil, nil, &web.ConfigError{Variable: named, Err: err}
	}
	b = bus.New(ctx, client, bus.Options{Log: slog.New(slog.DiscardHandler)}) // what it says of outages, the commands say
	return b, func() {
		b.Close()
		_ = client.Close() // nothing is left to be sent
	}, nil
}

// operator is one call of a command that looks at the system or mends it.
type operator struct {
	bus         *bus.Bus
	out, errOut io.Writer
	paint       paint
	json        bool
}

// operatorCommand makes cmd one of the operator's: it gets their flags, and work
// is called with what they share.
func operatorCommand(
	environ map[string]string, cmd *cobra.Command, work func(ctx context.Context, o *operator, args []string) error,
) *cobra.Command {
	var redis redisFlags
	var asJSON bool
	redis.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, for programs")
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{fmt.Errorf("%w, see %s --help", err, cmd.CommandPath())}
			}
			return nil
		}
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, out := cmd.Context(), cmd.OutOrStdout()
		b, closeBus, err := redis.open(ctx, environ)
		if err != nil {
			return err
		}
		defer closeBus()
		o := &operator{bus: b, out: out, errOut: cmd.ErrOrStderr(), paint: paint(colourful(out, environ)), json: asJSON}
		return unlessStopped(ctx, explained(ctx, work(ctx, o, args)))
	}
	return cmd
}

// explained adds what to do to an error that says that Redis does not answer, or not
// to this user, for whom the command is then configured wrongly.
func explained(ctx context.Context, err error) error {
	if ctx.Err() != nil || !bus.Unavailable(err) || bus.Answered(err) && !bus.Refused(err) {
		return err
	}
	err = fmt.Errorf("%w\n→ %s", err, awayAdvice(err))
	if bus.NotLetIn(err) {
		return usageError{err}
	}
	return err
}

// operators are the operator's commands.
func operators(environ map[string]string) []*cobra.Command {
	return []*cobra.Command{
		newStreams(environ), newLag(environ), newPending(environ), newConsumers(environ), newInspect(environ),
		newDead(environ), newPause(environ), newResume(environ),
		newRebuild(environ), newVerify(environ), newDoctor(environ),
	}
}

// wrongError says that a command did its work and found something that is not
// as it should be.
type wrongError struct{ error }

// ExitCode is 3.
func (wrongError) ExitCode() int { return 3 }

// Unwrap gives what is wrong.
func (e wrongError) Unwrap() error { return e.error }

// writeJSON writes one document, with line breaks.
func (o *operator) writeJSON(v any) error {
	enc := json.NewEncoder(o.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// readers returns the consumer groups: those of the services, and whoever else
// reads the streams.
func readers(ctx context.Context, b *bus.Bus) ([]string, error) {
	all, err := b.Groups(ctx, streams()...)
	if err != nil {
		return nil, err
	}
	all = append(all, services()...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// services are those that read streams as a consumer group of their name.
func services() []string {
	return []string{event.Posts, event.Comments, event.Moderator, event.Query}
}

var errNoGroup = errors.New("no group")

// states returns how the streams stand; group and stream, if not empty, choose.
func (o *operator) states(ctx context.Context, group, stream string) ([]eventbus.StreamState, error) {
	all, err := eventbus.States(ctx, o.bus)
	if err != nil {
		return nil, err
	}
	var chosen []eventbus.StreamState
	found := group == ""
	for _, s := range all {
		if stream != "" && s.Name != stream {
			continue
		}
		if group != "" {
			s.Groups = slices.DeleteFunc(s.Groups, func(g eventbus.GroupState) bool { return g.Name != group })
			found = found || len(s.Groups) > 0
		}
		chosen = append(chosen, s)
	}
	switch {
	case len(chosen) == 0:
		return nil, fmt.Errorf("there is no stream %s", visible(stream, 60))
	case !found:
		return nil, fmt.Errorf("%w %s reads there", errNoGroup, visible(group, 60))
	}
	return chosen, nil
}

// isTerminal reports whether w is one.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ago writes how long something is or was, in its largest unit: "12s", "5m".
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 100*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	default:
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
}

// thousands writes n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
