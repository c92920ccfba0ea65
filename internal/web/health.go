package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// healthTimeout is below the time-out of the images' health checks, so that a
// service that hangs is reported in words.
const healthTimeout = 1500 * time.Millisecond

// local is for requests to services on this machine. It never uses the proxy of
// HTTP_PROXY: that one leads to the outside, and a proxy that is down would make a
// healthy service look dead.
func local() *http.Transport {
	return &http.Transport{DialContext: (&net.Dialer{Timeout: healthTimeout}).DialContext}
}

// CheckHealth asks the service that listens at addr, as in LISTEN_ADDR, or if that
// is empty at port on loopback, whether it is ready (GET /readyz). It returns nil
// if it is.
func CheckHealth(ctx context.Context, addr string, port int) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	transport := local()
	defer transport.CloseIdleConnections()
	var failed error
	for _, target := range healthTargets(addr, port) {
		err := askReady(ctx, transport, target)
		if err == nil || !isDialError(err) {
			return err
		}
		failed = cmp.Or(failed, err)
	}
	return failed
}

// healthTargets are the host:port under which the service can be reached from
// this machine: the address itself, or both loopback addresses.
func healthTargets(addr string, port int) []string {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		host, text = "", strconv.Itoa(port)
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		return []string{addr}
	}
	return []string{net.JoinHostPort("127.0.0.1", text), net.JoinHostPort("::1", text)}
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func askReady(ctx context.Context, transport http.RoundTripper, hostPort string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+hostPort+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", hostPort, err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready (HTTP %d)", hostPort, res.StatusCode)
	}
	return nil
}
