// Command posts accepts, edits and deletes posts. It is configured by environment variables and
// stops on SIGINT and SIGTERM; see package services/posts.
package main

import (
	"context"
	"os"

	"newsfeed/internal/web"
	"newsfeed/services/posts"
)

const name = "posts"

func main() { web.Main(web.Program{Name: name, Port: posts.Port, Run: run}) }

func run(ctx context.Context, environ map[string]string) error {
	cfg, err := web.Load[posts.Config](environ)
	if err != nil {
		return err
	}
	log := web.NewLogger(os.Stderr, name, cfg.LogLevel)
	log.Info("starting", "configuration", web.Describe(cfg))
	return posts.Run(ctx, cfg, log)
}
