package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/services/query"
)

func newRebuild(environ map[string]string) *cobra.Command {
	return operatorCommand(environ, &cobra.Command{
		Use:   "rebuild",
		Short: "Make the view anew from the streams, beside the one that is read",
		Long: `Make the view of posts and comments anew from the streams, beside the one that is
read, compare it with the streams, and put it in its place. Reads and writes go on
all the while. If this is broken off, the view stays as it was, and the next call,
or the query service, clears up.

The view needs twice its memory meanwhile.`,
		Args: cobra.NoArgs,
	}, rebuild)
}

func rebuild(ctx context.Context, o *operator, _ []string) error {
	s := newSteps(o.errOut)
	done, err := query.Rebuild(ctx, o.bus, s.at)
	s.end()
	if different, ok := asDifferent(err); ok {
		_ = o.writeDifferences(different)
		return wrongError{err}
	}
	if err != nil {
		return orBrokenOff(ctx, "broken off; the next rebuild, or the query service, clears up", err)
	}
	if o.json {
		return o.writeJSON(rebuiltJSON{
			done.Generation, done.Replaced, done.Entries, done.Checked.Posts, done.Checked.Comments,
			done.Folding.Milliseconds(), done.Verifying.Milliseconds(),
		})
	}
	_, err = fmt.Fprintf(o.out, "Generation %d is read now, in the place of %d: %s and %s, made of %s in %s, verified in %s.\n",
		done.Generation, done.Replaced, counted(done.Checked.Posts, "post", "posts"), counted(done.Checked.Comments, "comment", "comments"),
		counted(done.Entries, "entry", "entries"), took(done.Folding), took(done.Verifying))
	return err
}

// rebuiltJSON is what rebuild --json writes.
type rebuiltJSON struct {
	Generation  int   `json:"generation"`
	Replaced    int   `json:"replaced"`
	Entries     int64 `json:"entries"`
	Posts       int64 `json:"posts"`
	Comments    int64 `json:"comments"`
	FoldingMs   int64 `json:"foldingMs"`
	VerifyingMs int64 `json:"verifyingMs"`
}

// steps shows how far work of several steps has come, each with a count of its own.
type steps struct {
	out     io.Writer
	doing   string
	current *progress
}

func newSteps(out io.Writer) *steps { return &steps{out: out} }

func (s *steps) at(step query.Step) {
	if b := step.Behind; b != nil {
		s.end()
		fmt.Fprintln(s.out, behindText(*b))
		return
	}
	if step.Doing != s.doing {
		s.end()
		s.doing, s.current = step.Doing, newProgress(s.out, step.Doing)
	}
	s.current.at(int(step.Done), int(step.Total))
}

func (s *steps) end() {
	if s.current != nil {
		s.current.end()
	}
}

// took writes how long something took.
func took(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
