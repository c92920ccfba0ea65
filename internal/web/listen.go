package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// portTries is how often a free port is sought that both loopback families have.
const portTries = 5

// listen opens host:port, or, if addr is empty, port on 127.0.0.1 and where
// present on [::1]. Port 0 is any free one, the same for both.
func listen(ctx context.Context, addr string, port int) ([]net.Listener, error) {
	host, text := "localhost", strconv.Itoa(port)
	if addr != "" {
		var err error
		if host, text, err = net.SplitHostPort(addr); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	if host != "localhost" {
		l, err := listenOne(ctx, host, text)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	var err error
	for range portTries {
		var both []net.Listener
		if both, err = listenLoopback(ctx, text); err == nil {
			return both, nil
		}
		if text != "0" {
			break
		}
	}
	return nil, err
}

func listenLoopback(ctx context.Context, port string) ([]net.Listener, error) {
	four, err := listenOne(ctx, "127.0.0.1", port)
	if err != nil {
		return nil, err
	}
	_, port, err = net.SplitHostPort(four.Addr().String())
	if err != nil {
		return nil, errors.Join(err, four.Close())
	}
	six, err := listenOne(ctx, "::1", port)
	switch {
	case err == nil:
		return []net.Listener{four, six}, nil
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return []net.Listener{four}, nil // this machine has no IPv6
	default:
		return nil, errors.Join(err, four.Close())
	}
}

func listenOne(ctx context.Context, host, port string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf(
			"port %s is in use: end the other program or set LISTEN_ADDR (or newsfeed up --port-offset)", port)
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
