// Command comments accepts comments and applies the verdicts on them. It is configured by environment variables and
// stops on SIGINT and SIGTERM; see package services/comments.
package main

import (
	"context"
	"os"

	"newsfeed/internal/web"
	"newsfeed/services/comments"
)

const name = "comments"

func main() { web.Main(web.Program{Name: name, Port: comments.Port, Run: run}) }

func run(ctx context.Context, environ map[string]string) error {
	cfg, err := web.Load[comments.Config](environ)
	if err != nil {
		return err
	}
	log := web.NewLogger(os.Stderr, name, cfg.LogLevel)
	log.Info("starting", "configuration", web.Describe(cfg))
	return comments.Run(ctx, cfg, log)
}
