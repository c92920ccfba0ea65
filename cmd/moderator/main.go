// Command moderator judges comments, or holds them for a person. It is configured by environment variables and
// stops on SIGINT and SIGTERM; see package services/moderator.
package main

import (
	"context"
	"os"

	"newsfeed/internal/web"
	"newsfeed/services/moderator"
)

const name = "moderator"

func main() { web.Main(web.Program{Name: name, Port: moderator.Port, Run: run}) }

func run(ctx context.Context, environ map[string]string) error {
	cfg, err := web.Load[moderator.Config](environ)
	if err != nil {
		return err
	}
	log := web.NewLogger(os.Stderr, name, cfg.LogLevel)
	log.Info("starting", "configuration", web.Describe(cfg))
	return moderator.Run(ctx, cfg, log)
}
