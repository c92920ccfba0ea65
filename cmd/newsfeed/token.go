package main

import (
	"crypto/rand"
	"fmt"

	"github.com/spf13/cobra"

	"newsfeed/services/moderator"
)

func newToken() *cobra.Command {
	return withCommands(&cobra.Command{Use: "token", Short: "Make tokens for moderators"}, &cobra.Command{
		Use:   "new NAME",
		Short: "Make a token for a moderator, and show it this once",
		Long: `Make a token for a moderator, and show it this once.

The token goes to the person, and the line with its hash into MODERATORS or the
file that MODERATORS_FILE names, which is read again when it changes. To replace
a token, add the new line, and take the old one out once the new is in use.`,
		Args: oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := moderator.ValidName(args[0]); err != nil {
				return usageError{err}
			}
			token := rand.Text() + rand.Text() // 260 bits
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "The token of %s, which nothing can show again:\n\n  %s\n\nThe line for MODERATORS_FILE:\n\n  %s\n",
				args[0], token, moderator.PersonLine(args[0], token))
			return err
		},
	})
}

// oneArg asks for one argument.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("%s needs one %s, see %s --help", cmd.CommandPath(), name, cmd.CommandPath())}
		}
		return nil
	}
}
