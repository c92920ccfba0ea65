package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/spf13/cobra"

	"newsfeed/internal/web"
)

func newHealth() *cobra.Command {
	var offset int
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask the services of newsfeed up whether they are ready",
		Long: `Ask the services that newsfeed up runs on this machine whether they are ready.

A service that was left out with --without is not missed: newsfeed up ends when
one of its services does. It fails if none answers. Proxies that the environment
names are not used.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOffset(offset); err != nil {
				return err
			}
			return health(cmd.Context(), offset)
		},
	}
	cmd.Flags().IntVar(&offset, "port-offset", 0, "what newsfeed up added to every port")
	return cmd
}

func health(ctx context.Context, offset int) error {
	var failed []error
	running := 0
	for _, s := range allServices() {
		err := web.CheckHealth(ctx, "", s.port+offset)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		running++
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	if running == 0 {
		return errors.New("no service answers on this machine: is newsfeed up running, and with this --port-offset?")
	}
	return errors.Join(failed...)
}
