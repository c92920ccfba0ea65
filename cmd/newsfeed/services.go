package main

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"newsfeed/frontend"
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

// pageName is that of the one that people open in a browser.
const pageName = "frontend"

// allServices are in the order in which a comment's way is told.
func allServices() []service {
	return []service{
		{name: pageName, port: frontend.Port, does: "the page", prepare: prepare(frontend.Run)},
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
func prepareAll(services []service, environ map[string]string, redisURL string, o upOptions) ([]service, error) {
	ready := slices.Clone(services)
	for i := range ready {
		s := &ready[i]
		s.port += o.portOffset
		env := maps.Clone(environ)
		delete(env, "REDIS_URL_FILE")
		delete(env, "OTEL_SERVICE_NAME") // each service has its own
		env["REDIS_URL"] = redisURL
		env["LISTEN_ADDR"] = "localhost:" + strconv.Itoa(s.port)
		if o.everywhere {
			env["LISTEN_ADDR"] = ":" + strconv.Itoa(s.port)
		}
		findEachOther(env, o.portOffset)
		var err error
		if s.run, err = s.prepare(env); err != nil {
			return nil, err // the first is enough: the others would repeat what all have in common
		}
	}
	return ready, nil
}

// findEachOther says where the services are, those included that are left out and
// may be started alone, unless the user has said it.
func findEachOther(env map[string]string, offset int) {
	for _, s := range allServices() {
		name, host := strings.ToUpper(s.name)+"_URL", web.Loopback()
		if s.name == pageName { // which the feeds link to
			name, host = "PUBLIC_URL", "localhost"
		}
		if env[name] == "" {
			env[name] = "http://" + net.JoinHostPort(host, strconv.Itoa(s.port+offset))
		}
	}
}

func (s service) url() string { return "http://localhost:" + strconv.Itoa(s.port) }
