// Command query serves the feed that everybody reads. It is configured by environment variables and
// stops on SIGINT and SIGTERM; see package services/query.
package main

import (
	"context"
	"os"

	"newsfeed/internal/web"
	"newsfeed/services/query"
)

const name = "query"

func main() { web.Main(web.Program{Name: name, Port: query.Port, Run: run}) }

func run(ctx context.Context, environ map[string]string) error {
	cfg, err := web.Load[query.Config](environ)
	if err != nil {
		return err
	}
	log := web.NewLogger(os.Stderr, name, cfg.LogLevel)
	log.Info("starting", "configuration", web.Describe(cfg))
	return query.Run(ctx, cfg, log)
}
