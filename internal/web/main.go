package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/caarlos0/env/v11"
)

const (
	exitFailed = 1
	exitConfig = 2
)

// Program is a service as a process.
type Program struct {
	Name string
	Port int // where it listens without LISTEN_ADDR; 0 if it parses its arguments itself
	Run  func(ctx context.Context, environ map[string]string) error
}

// Main runs a program until it ends, or SIGINT, SIGTERM or SIGHUP ends ctx, and ends
// the process: with 0, or with one clear line on standard error and [ExitCode]. A
// second signal ends it at once. environ holds the environment variables.
//
// Called with --version alone, the program prints its [Version] instead. A service
// called with health asks the one that runs at LISTEN_ADDR whether it is ready.
func Main(p Program) {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(p.Name, Version())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	context.AfterFunc(ctx, stop) // who asks twice does not want to wait
	run := p.Run
	if p.Port != 0 && len(os.Args) > 1 {
		run = p.command(os.Args[1:])
	}
	limit, err := limitMemory()
	if err == nil {
		ballast := make([]byte, ballastOf(limit))
		err = run(ctx, env.ToMap(os.Environ()))
		runtime.KeepAlive(ballast)
	}
	os.Exit(report(ctx, os.Stderr, p.Name, err))
}

// endSignals are those that ask a process to end. SIGHUP comes when the terminal is
// closed, and is left alone where it is ignored, as under nohup.
func endSignals() []os.Signal {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// command returns what a service does when it is called with arguments.
func (p Program) command(args []string) func(ctx context.Context, environ map[string]string) error {
	return func(ctx context.Context, environ map[string]string) error {
		if len(args) == 1 && args[0] == "health" {
			return CheckHealth(ctx, environ["LISTEN_ADDR"], p.Port)
		}
		return usageError(fmt.Sprintf("unknown arguments %q: run it without any (it is configured by environment variables), "+
			"or as %[2]s health or %[2]s --version", args, p.Name))
	}
}

// usageError is a call with wrong arguments.
type usageError string

// Error implements error.
func (e usageError) Error() string { return string(e) }

// ExitCode is the code with which the process is to end; see [ExitCode].
func (e usageError) ExitCode() int { return exitConfig }

// report writes why the service failed and returns the code to exit with. To be
// told to stop while still starting is no failure.
func report(ctx context.Context, w io.Writer, service string, err error) int {
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return 0
	}
	_, _ = fmt.Fprintf(w, "%s: %v\n", service, err) // standard error is the last resort
	return ExitCode(err)
}

// ExitCode returns what an error in err's chain says with ExitCode() int, as
// [ConfigError] does with 2; 0 for nil, and 1 for all else.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitFailed
}
