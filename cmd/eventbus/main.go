// Command eventbus is the door to the streams over HTTP. It is configured by environment variables and stops on
// SIGINT and SIGTERM; see package services/eventbus.
package main

import (
	"context"
	"os"

	"newsfeed/internal/web"
	"newsfeed/services/eventbus"
)

const name = "eventbus"

func main() { web.Main(web.Program{Name: name, Port: eventbus.Port, Run: run}) }

func run(ctx context.Context, environ map[string]string) error {
	cfg, err := web.Load[eventbus.Config](environ)
	if err != nil {
		return err
	}
	log := web.NewLogger(os.Stderr, name, cfg.LogLevel)
	log.Info("starting", "configuration", web.Describe(cfg))
	return eventbus.Run(ctx, cfg, log)
}
