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
	if isNoAddress(err) { // this machine has no IPv4
		six, err := listenOne(ctx, "::1", port)
		if err != nil {
			return nil, err
		}
		return []net.Listener{six}, nil
	}
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
	case isNoAddress(err):
		return []net.Listener{four}, nil // this machine has no IPv6
	default:
		return nil, errors.Join(err, four.Close())
	}
}

// Loopback returns the address by which programs on this machine reach each other:
// 127.0.0.1, or ::1 where there is no IPv4.
func Loopback() string {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if isNoAddress(err) {
		return "::1"
	}
	if err == nil {
		_ = l.Close() // it was only to see
	}
	return "127.0.0.1"
}

// isNoAddress reports whether err says that this machine has no such address, as
// one without IPv4 or IPv6.
func isNoAddress(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// listenOne says what is wrong in words that help, and with the system's own.
func listenOne(ctx context.Context, host, port string) (net.Listener, error) {
	var config net.ListenConfig
	addr := net.JoinHostPort(host, port)
	l, err := config.Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf(
			"port %s is in use: end the other program or set LISTEN_ADDR (or newsfeed up --port-offset)", port)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on port %s (below 1024 it takes root): set LISTEN_ADDR to a higher port: %w", port, err)
	case isNoAddress(err) && !loopbackHost(host):
		return nil, fmt.Errorf("this machine has no address %s: set LISTEN_ADDR to one that it has, or to :%s for all: %w", host, port, err)
	default:
		return nil, fmt.Errorf("listen: %w", err)
	}
}
