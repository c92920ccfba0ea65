package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"newsfeed/internal/web"
)

const (
	// redisPort is not 6379, where a distribution's own Redis often listens.
	redisPort = 6380
	// maxOffset keeps the highest port, which is that of Redis, within 65535.
	maxOffset = 65535 - redisPort
)

func newRoot(environ map[string]string) *cobra.Command {
	var o upOptions
	root := &cobra.Command{
		Use:   "newsfeed",
		Short: "A newsfeed of posts and moderated comments, on Redis Streams",
		Long: `A newsfeed of posts and moderated comments, on Redis Streams.

Exit codes: 0 done; 1 failed; 2 called or configured wrongly; 3 doctor,
verify or lag --max found something wrong, or rebuild made a view that it
would not vouch for.`,
		Version:       web.Version(),
		Args:          noArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return up(cmd, environ, o) },
	}
	o.register(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if (cmd == root || cmd.Name() == "up") && strings.Contains(err.Error(), "--redis-url") {
			err = fmt.Errorf("%w: %s takes the Redis to use from REDIS_URL", err, cmd.CommandPath())
		}
		return usageError{err}
	})
	root.SetHelpCommand(newHelp())
	root.AddCommand(newUp(environ), newHealth(), newTail(environ), newToken(), newRules(environ))
	root.AddCommand(operators(environ)...)
	return root
}

// newHelp is cobra's own help, except that a command that there is not is an error.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || about == nil || len(rest) > 0 {
				return usageError{fmt.Errorf("unknown command %q, see %s --help", strings.Join(args, " "), cmd.Root().Name())}
			}
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			about, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, sub := range about.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, sub.Name())
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// withCommands makes cmd one that does nothing by itself.
func withCommands(cmd *cobra.Command, under ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(under...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("unknown command %q, see %s --help", args[0], cmd.CommandPath())}
		}
		var names []string
		for _, sub := range under {
			names = append(names, sub.Name())
		}
		which := names[0]
		if last := len(names) - 1; last > 0 {
			which = strings.Join(names[:last], ", ") + " or " + names[last]
		}
		return usageError{fmt.Errorf("say which: %s %s", cmd.CommandPath(), which)}
	}
	return cmd
}

// usageError says that the command line is wrong.
type usageError struct{ error }

// ExitCode is 2, as for a wrong configuration.
func (usageError) ExitCode() int { return 2 }

// Unwrap gives the reason.
func (e usageError) Unwrap() error { return e.error }

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command %q, see %s --help", args[0], cmd.CommandPath())}
	}
	return nil
}

func checkOffset(n int) error {
	if n < 0 || n > maxOffset {
		return usageError{fmt.Errorf("--port-offset = %d is not a number from 0 to %d", n, maxOffset)}
	}
	return nil
}
