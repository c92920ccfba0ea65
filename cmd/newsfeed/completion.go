package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/internal/event"
)

// completionPatience is how long a shell's user waits for what could come next.
const completionPatience = time.Second

// candidates asks Redis what could stand at a place.
type candidates func(ctx context.Context, b *bus.Bus) ([]string, error)

// complete lets a shell complete a flag.
func complete(environ map[string]string, cmd *cobra.Command, flag string, from candidates) {
	if err := cmd.RegisterFlagCompletionFunc(flag, completion(environ, from)); err != nil {
		panic(err) // the flag is not there, or twice
	}
}

// completion asks the Redis that the command line names so far. When it does not
// answer, there is nothing to offer.
func completion(environ map[string]string, from candidates) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		f := redisFlags{given: cmd.Flags()}
		f.url, _ = cmd.Flags().GetString("redis-url")
		f.portOffset, _ = cmd.Flags().GetInt("port-offset")
		b, closeBus, err := f.open(ctx, environ)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		defer closeBus()
		found, err := from(ctx, b)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// fixed completes a flag with words that are known without asking Redis, also behind
// the commas of a list.
func fixed(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		before := begun[:strings.LastIndexByte(begun, ',')+1]
		said := strings.Split(before, ",")
		var found []string
		for _, word := range words {
			if !slices.Contains(said, word) {
				found = append(found, before+word)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

func types(context.Context, *bus.Bus) ([]string, error) { return event.Types(), nil }
