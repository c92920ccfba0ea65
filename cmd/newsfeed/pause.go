package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
)

func newPause(environ map[string]string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "pause GROUP",
		Short: "Let a group rest: it begins nothing, on all replicas, until it is resumed",
		Long: `Let a group rest: handlers that run go on to their end, no other begins, on all
replicas, within a few seconds. It outlasts restarts of everything. What comes
meanwhile waits on the streams.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFirst(environ, readers),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "for whoever wonders")
	return operatorCommand(environ, cmd, func(ctx context.Context, o *operator, args []string) error {
		if err := o.wantGroup(ctx, args[0], readers); err != nil {
			return err
		}
		before, err := o.bus.PauseOf(ctx, args[0])
		if err != nil {
			return err
		}
		p, err := o.bus.Pause(ctx, args[0], reason)
		if err != nil {
			return err
		}
		if o.json {
			return o.writeJSON(struct {
				Group   string    `json:"group"`
				Paused  bus.Pause `json:"paused"`
				Already bool      `json:"already"`
			}{args[0], p, before != nil})
		}
		if before != nil {
			_, err = fmt.Fprintf(o.out, "%s was paused already%s, and stays so as it is. To let it go on: newsfeed resume %s\n",
				args[0], pauseText(p), args[0])
			return err
		}
		_, err = fmt.Fprintf(o.out, "%s is paused%s. To let it go on: newsfeed resume %s\n",
			args[0], pauseText(p), args[0])
		return err
	})
}

func newResume(environ map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "resume GROUP",
		Short:             "Let a group that was paused go on",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFirst(environ, paused),
	}
	return operatorCommand(environ, cmd, func(ctx context.Context, o *operator, args []string) error {
		err := o.bus.Resume(ctx, args[0])
		if errors.Is(err, bus.ErrNotFound) {
			return fmt.Errorf("%s is not paused", visible(args[0], 60))
		}
		if err != nil {
			return err
		}
		if o.json {
			return o.writeJSON(struct {
				Group  string     `json:"group"`
				Paused *bus.Pause `json:"paused"`
			}{args[0], nil})
		}
		_, err = fmt.Fprintf(o.out, "%s goes on within a few seconds.\n", args[0])
		return err
	})
}

// wantGroup makes sure that the name of a group is not merely misspelt.
func (o *operator) wantGroup(ctx context.Context, group string, among candidates) error {
	known, err := among(ctx, o.bus)
	if err != nil {
		return err
	}
	if !slices.Contains(known, group) {
		return fmt.Errorf("there is no group %s", visible(group, 60))
	}
	return nil
}

// pauseText says since when and why, as far as that is known.
func pauseText(p bus.Pause) string {
	text := ""
	if !p.Since.IsZero() {
		text = " since " + p.Since.UTC().Format(time.DateTime) + " UTC"
	}
	if p.Reason != "" {
		text += " (" + visible(p.Reason, 200) + ")"
	}
	return text
}

// paused returns the groups that rest.
func paused(ctx context.Context, b *bus.Bus) ([]string, error) {
	known, err := readers(ctx, b)
	if err != nil {
		return nil, err
	}
	var resting []string
	for _, group := range known {
		p, err := b.PauseOf(ctx, group)
		if err != nil {
			return nil, err
		}
		if p != nil {
			resting = append(resting, group)
		}
	}
	return resting, nil
}

// completeFirst lets a shell complete the only argument.
func completeFirst(environ map[string]string, from candidates) cobra.CompletionFunc {
	ask := completion(environ, from)
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return ask(cmd, args, begun)
	}
}
