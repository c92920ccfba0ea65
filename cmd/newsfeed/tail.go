package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"newsfeed/internal/bus"
	"newsfeed/internal/web"
)

type tailOptions struct {
	redisURL   string
	portOffset int
	fromStart  bool
	types      []string
}

func newTail(environ map[string]string) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show the events of all streams as they happen, each comment's as a chain",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return tail(cmd, environ, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.redisURL, "redis-url", "", "the Redis to look at (default: REDIS_URL, or that of newsfeed up)")
	f.IntVar(&o.portOffset, "port-offset", 0, "that of the newsfeed up to look at")
	f.BoolVar(&o.fromStart, "from-start", false, "begin with the first event and not with the next")
	f.StringSliceVar(&o.types, "type", nil, "only events of these types, such as CommentModerated")
	return cmd
}

func tail(cmd *cobra.Command, environ map[string]string, o tailOptions) error {
	ctx, out, errOut := cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	if err := checkOffset(o.portOffset); err != nil {
		return err
	}
	url := o.redisURL
	if url == "" {
		url = environ["REDIS_URL"]
	}
	if url == "" {
		url = "redis://127.0.0.1:" + strconv.Itoa(redisPort+o.portOffset)
	}
	client, err := bus.Connect(url)
	if err != nil {
		return &web.ConfigError{Variable: "REDIS_URL", Err: err}
	}
	defer func() { _ = client.Close() }() // nothing is left to be sent
	log := slog.New(slog.NewTextHandler(errOut, nil))
	b := bus.New(ctx, client, bus.Options{Log: log})
	defer b.Close()
	if err := bus.WaitReady(ctx, client, log); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	from, err := tailFrom(ctx, b, o.fromStart)
	if err != nil {
		return err
	}
	return follow(ctx, b, from, o.types, newDrawing(colourful(out, environ)), out, errOut)
}

// tailFrom returns where to begin on each stream.
func tailFrom(ctx context.Context, b *bus.Bus, fromStart bool) (map[string]bus.ID, error) {
	from := map[string]bus.ID{}
	for _, stream := range streams() {
		from[stream] = bus.ID{}
		if fromStart {
			continue
		}
		last, err := b.Last(ctx, stream)
		if err != nil {
			return nil, err
		}
		from[stream] = last
	}
	return from, nil
}

// follow draws events until ctx ends. It says once when Redis goes away.
func follow(ctx context.Context, b *bus.Bus, from map[string]bus.ID, types []string, d *drawing, out, errOut io.Writer) error {
	away := false
	for e, err := range b.Follow(ctx, from) {
		switch {
		case err != nil && !away:
			away = true
			fmt.Fprintln(errOut, "Redis does not answer; going on when it does:", err)
		case err == nil:
			away = false
			line := d.draw(e)
			if len(types) > 0 && !slices.Contains(types, e.Event.Type) {
				continue
			}
			if _, err := io.WriteString(out, line); err != nil {
				return fmt.Errorf("tail: %w", err)
			}
		}
	}
	return nil
}

// colourful reports whether out is a terminal whose user has nothing against
// colours (no-color.org).
func colourful(out io.Writer, environ map[string]string) bool {
	f, ok := out.(*os.File)
	return ok && environ["NO_COLOR"] == "" && term.IsTerminal(int(f.Fd()))
}
