package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"newsfeed/internal/event"
	"newsfeed/internal/web"
	"newsfeed/services/comments"
	"newsfeed/services/eventbus"
	"newsfeed/services/moderator"
	"newsfeed/services/posts"
	"newsfeed/services/query"
)

// service is one of those that up can start.
type service struct {
	name string
	port int
	does string
	// prepare reads the service's configuration.
	prepare func(environ map[string]string) (runner, error)
	run     runner // set by prepareAll
}

// runner runs a service until ctx ends, and then returns nil.
type runner func(ctx context.Context, log *slog.Logger) error

// allServices are in the order in which a comment's way is told.
func allServices() []service {
	return []service{
		{name: event.Posts, port: posts.Port, does: "write posts", prepare: prepare(posts.Run)},
		{name: event.Comments, port: comments.Port, does: "write comments", prepare: prepare(comments.Run)},
		{name: event.Moderator, port: moderator.Port, does: "judges comments", prepare: prepare(moderator.Run)},
		{name: event.Query, port: query.Port, does: "read the feed", prepare: prepare(query.Run)},
		{name: event.EventBus, port: eventbus.Port, does: "events over HTTP", prepare: prepare(eventbus.Run)},
	}
}

func prepare[C any](
	run func(ctx context.Context, cfg C, log *slog.Logger) error,
) func(environ map[string]string) (runner, error) {
	return func(environ map[string]string) (runner, error) {
		cfg, err := web.Load[C](environ)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, log *slog.Logger) error {
			log.Info("starting", "configuration", web.Describe(cfg))
			return run(ctx, cfg, log)
		}, nil
	}
}

// prepareAll moves the services to their ports and reads the configuration of
// each from the process's environment; all of them use the Redis at redisURL.
func prepareAll(services []service, environ map[string]string, redisURL string, offset int) ([]service, error) {
	ready := slices.Clone(services)
	for i := range ready {
		s := &ready[i]
		s.port += offset
		env := maps.Clone(environ)
		delete(env, "REDIS_URL_FILE")
		env["REDIS_URL"] = redisURL
		env["LISTEN_ADDR"] = "localhost:" + strconv.Itoa(s.port)
		var err error
		if s.run, err = s.prepare(env); err != nil {
			return nil, err // the first is enough: the others would repeat what all have in common
		}
	}
	return ready, nil
}

func (s service) url() string { return "http://localhost:" + strconv.Itoa(s.port) }
