package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"newsfeed/internal/web"
	"newsfeed/services/moderator"
)

func newRules(environ map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "rules", Short: "Check the moderator's rules, try them on comments, and judge comments anew",
	}
	return withCommands(cmd, newRulesCheck(), newRulesDryRun(environ), newRulesApply(environ))
}

func newRulesCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Say whether a file of rules is right",
		Args:  oneArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			rules, err := openRules(cmd, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is right: %d rules\n", args[0], rules.Len())
			for i, r := range rules.List() {
				fmt.Fprintf(cmd.OutOrStdout(), "%4d  %-8s %s\n", i+1, r.Then, r.Name)
			}
			return nil
		},
	}
}

// openRules reads a file of rules, and prints warnings about its entries, or its
// mistakes if it has more than one. What is wrong with it is the caller's mistake.
func openRules(cmd *cobra.Command, path string) (moderator.Rules, error) {
	file, err := moderator.OpenRules(path)
	if mistakes, ok := errors.AsType[moderator.Mistakes](err); ok && len(mistakes) > 1 {
		printMistakes(cmd.ErrOrStderr(), path, "", mistakes)
		err = fmt.Errorf("rules file %s: %d mistakes", path, len(mistakes))
	}
	if err != nil {
		return moderator.Rules{}, usageError{err}
	}
	printMistakes(cmd.ErrOrStderr(), path, "warning: ", file.Current().Warnings())
	return file.Current(), nil
}

// printMistakes prints one line each: file, line, entry and reason.
func printMistakes(out io.Writer, path, kind string, mistakes moderator.Mistakes) {
	for _, m := range mistakes {
		entry := ""
		if m.Entry != "" {
			entry = strconv.Quote(m.Entry) + ": "
		}
		fmt.Fprintf(out, "%s:%d: %s%s%s\n", path, m.Line, kind, entry, m.Reason)
	}
}

func newRulesDryRun(environ map[string]string) *cobra.Command {
	var f redisFlags
	last := 1000
	cmd := &cobra.Command{
		Use:   "dry-run FILE",
		Short: "Show which of the last comments the rules of a file would judge otherwise",
		Args:  oneArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if last < 1 {
				return usageError{fmt.Errorf("--last = %d is not a number from 1", last)}
			}
			return judgeAgain(cmd, environ, f, args[0], moderator.Again{Last: last, DryRun: true})
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().IntVar(&last, "last", last, "look at this many of the latest comments")
	return cmd
}

func newRulesApply(environ map[string]string) *cobra.Command {
	var f redisFlags
	var since string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "apply FILE --since …",
		Short: "Judge comments anew by the rules of a file; what a person decided stays",
		Long: `Judge comments anew by the rules of a file, the latest first.

What a person decided stays, and what the external judge decided where no rule
says otherwise; where a rule decided and none does any more, the judge is asked
(JUDGE_URL). A rule about what is recent (maxRate, maxCopies) matches if it
did when the comment came. The moderator may run meanwhile, and so may this again:
what has been judged so already is left as it is.`,
		Args: oneArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseSince(since, time.Now())
			if err != nil {
				return usageError{err}
			}
			return judgeAgain(cmd, environ, f, args[0], moderator.Again{Since: from, DryRun: dryRun})
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&since, "since", "", "judge texts since then: a time such as 2026-01-02T15:04:05Z, a duration such as 48h, or all")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change and change nothing")
	return cmd
}

// parseSince reads a time, a duration before now, or "all", the zero time.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "all" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("--since = %q is not a time such as 2026-01-02T15:04:05Z, a duration such as 48h, or all", s)
	}
	return t, nil
}

func judgeAgain(cmd *cobra.Command, environ map[string]string, f redisFlags, path string, again moderator.Again) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	rules, err := openRules(cmd, path)
	if err != nil {
		return err
	}
	if again.Config, err = web.Load[moderator.Config](environ); err != nil {
		return err
	}
	again.Log = web.NewLogger(cmd.ErrOrStderr(), "rules", slog.LevelWarn)
	b, closeBus, err := f.open(ctx, environ)
	if err != nil {
		return err
	}
	defer closeBus()
	again.Rules = rules
	p := newProgress(cmd.ErrOrStderr(), "comments looked at")
	again.Changed = func(c moderator.Change) {
		p.end()
		printChange(out, c)
	}
	again.Progress = func(t moderator.Tally) { p.at(t.Seen, 0) }
	tally, err := moderator.JudgeAgain(ctx, b, again)
	p.end()
	would := map[bool]string{true: "would be judged otherwise", false: "judged otherwise"}[again.DryRun]
	if err != nil && tally.Seen == 0 {
		return unlessStopped(ctx, explained(ctx, err))
	}
	fmt.Fprintf(out, "%d comments looked at, %d %s, %d decided by people and left as they are\n",
		tally.Seen, tally.Changed, would, tally.ByPerson)
	return unlessStopped(ctx, explained(ctx, err))
}

func printChange(out io.Writer, c moderator.Change) {
	fmt.Fprintf(out, "%s  %s → %s  by %s  %s\n", c.Comment, c.Was.Status, c.Now.Status, named(c.Now.Rule), excerpt(c.Content))
}

func named(rule string) string {
	if rule == "" {
		return "no rule"
	}
	return fmt.Sprintf("the rule %q", rule)
}

// excerpt is the beginning of a text in one line, fit for a terminal.
func excerpt(s string) string {
	const most = 60
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
