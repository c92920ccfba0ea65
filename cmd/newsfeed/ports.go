package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"newsfeed/internal/web"
)

// checkPorts says which port is taken before anything is started. The services
// would say so as well, but each for itself and not all at once.
func checkPorts(ctx context.Context, services []service) error {
	for _, s := range services {
		for _, host := range []string{"127.0.0.1", "::1"} {
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(s.port)))
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("port %d, which %s needs, is in use: end the other program or choose a --port-offset",
					s.port, s.name)
			}
			if err == nil {
				_ = l.Close() // it was only to see
			}
		}
	}
	return nil
}

// waitReady returns nil once every service can be used, or an error when ctx ends.
func waitReady(ctx context.Context, services []service) error {
	for _, s := range services {
		for web.CheckHealth(ctx, "", s.port) != nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(25 * time.Millisecond):
			}
		}
	}
	return ctx.Err()
}
