// Command frontend serves the page and passes its requests on to the services. It is configured by
// environment variables and stops on SIGINT and SIGTERM; see package frontend.
package main

import (
	"context"
	"os"

	"newsfeed/frontend"
	"newsfeed/internal/web"
)

const name = "frontend"

func main() { web.Main(web.Program{Name: name, Port: frontend.Port, Run: run}) }

func run(ctx context.Context, environ map[string]string) error {
	cfg, err := web.Load[frontend.Config](environ)
	if err != nil {
		return err
	}
	log := web.NewLogger(os.Stderr, name, cfg.LogLevel)
	log.Info("starting", "configuration", web.Describe(cfg))
	return frontend.Run(ctx, cfg, log)
}
