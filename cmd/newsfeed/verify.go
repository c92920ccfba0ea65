package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"newsfeed/services/query"
)

func newVerify(environ map[string]string) *cobra.Command {
	return operatorCommand(environ, &cobra.Command{
		Use:   "verify",
		Short: "Compare the view with the streams, post by post and comment by comment",
		Long: `Fold the streams afresh and compare what comes out with the view that is read, post
by post and comment by comment. It writes nothing, and reads and writes go on. What
differs is looked at again, since it may only have moved; what still differs then is
named, and the exit code is 3.`,
		Args: cobra.NoArgs,
	}, verify)
}

func verify(ctx context.Context, o *operator, _ []string) error {
	s := newSteps(o.errOut)
	report, err := query.Verify(ctx, o.bus, s.at)
	s.end()
	if err != nil {
		return orBrokenOff(ctx, "broken off before everything was compared", err)
	}
	if o.json {
		if report.Differences == nil {
			report.Differences = []query.Difference{}
		}
		err = o.writeJSON(report)
	} else {
		err = o.writeDifferences(report)
	}
	switch {
	case err != nil || report.Clean():
		return err
	case report.Paused != nil:
		return wrongError{errors.New("the view is not what the streams say, as query is paused: newsfeed resume query, and verify again")}
	case report.Behind:
		return wrongError{errors.New("the view is not what the streams say yet: query is behind, see newsfeed lag --group query")}
	default:
		return wrongError{errors.New("the view is not what the streams say; newsfeed rebuild makes it anew")}
	}
}

// writeDifferences says what was compared, and what differs.
func (o *operator) writeDifferences(r query.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Generation %d, %s and %s, compared with %s: ", r.Generation,
		counted(r.Posts, "post", "posts"), counted(r.Comments, "comment", "comments"), counted(r.Entries, "entry", "entries"))
	switch {
	case r.Clean():
		b.WriteString("no differences.\n")
	case r.More:
		fmt.Fprintf(&b, "more than %s.\n", counted(int64(len(r.Differences)), "difference", "differences"))
	default:
		b.WriteString(counted(int64(len(r.Differences)), "difference", "differences") + ".\n")
	}
	for _, d := range r.Differences {
		fmt.Fprintln(&b, visible(d.String(), 400))
	}
	switch {
	case r.Clean():
	case r.Paused != nil:
		fmt.Fprintf(&b, "query is paused%s, which may be why.\n", pauseText(*r.Paused))
	case r.Behind:
		b.WriteString("The query service has not folded everything yet, or does not run, which may be why: see newsfeed lag --group query.\n")
	}
	_, err := io.WriteString(o.out, b.String())
	return err
}

// behindText says that the service is behind, and how long it is waited for.
func behindText(b query.Behind) string {
	if b.Paused != nil {
		return fmt.Sprintf("query is paused%s, %s behind: not waiting for it.", pauseText(*b.Paused), counted(b.Entries, "entry", "entries"))
	}
	return fmt.Sprintf("query is %s behind: waiting up to %s.", counted(b.Entries, "entry", "entries"), took(b.Wait))
}

func asDifferent(err error) (query.Report, bool) {
	if different, ok := errors.AsType[*query.DifferentError](err); ok {
		return different.Report, true
	}
	return query.Report{}, false
}

// counted writes a number with its noun.
func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// brokenOffError says that a command was told to stop before it could say or do
// what it was called for: unlike that of tail, its end is no success.
type brokenOffError struct{ error }

// Unwrap gives the reason.
func (e brokenOffError) Unwrap() error { return e.error }

// orBrokenOff returns err, marked if it came of being told to stop.
func orBrokenOff(ctx context.Context, what string, err error) error {
	if err != nil && ctx.Err() != nil {
		return brokenOffError{errors.New(what)}
	}
	return err
}
