package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"newsfeed/internal/bus"
	"newsfeed/services/query"
)

func newDoctor(environ map[string]string) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong, and say what to do",
		Long: `Look for what is wrong, and say what to do: Redis itself (version, persistence,
memory, users, clocks), groups that nobody reads for, entries that are taken and
not finished, dead letters, a feed that cannot be read. It looks twice, to see
what grows.

The exit code is 3 if anything is wrong, Redis not answering included.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().DurationVar(&wait, "for", 2*time.Second, "how long to wait between the two looks")
	return operatorCommand(environ, cmd, func(ctx context.Context, o *operator, _ []string) error {
		if wait < 0 {
			return usageError{fmt.Errorf("--for = %s is less than 0", wait)}
		}
		f, err := examine(ctx, o, wait)
		if err != nil {
			return err
		}
		return f.report(o)
	})
}

// level is how bad a finding is.
type level string

const (
	fine  level = "ok"
	note  level = "note"  // works, and somebody should know
	wrong level = "wrong" // somebody must do something
)

// finding is one thing that doctor has to say.
type finding struct {
	Level level  `json:"level"`
	About string `json:"about"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"`
}

type findings []finding

func (f *findings) add(l level, about, says, do string) {
	*f = append(*f, finding{l, about, says, do})
}

// latestLooked is how many of a stream's last entries tell of their writers' clocks.
const latestLooked = 20

// examine asks Redis for everything, and decides what it means.
func examine(ctx context.Context, o *operator, wait time.Duration) (findings, error) {
	var f findings
	servers, err := o.bus.Servers(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		f.add(wrong, "Redis", err.Error(), awayAdvice(err))
		return f, nil
	}
	if len(servers) == 0 {
		f.add(wrong, "Redis", "no server takes writes", "see to the cluster: redis-cli CLUSTER NODES")
		return f, nil
	}
	for _, s := range servers {
		f.server(s)
	}
	before, err := o.infos(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	after, err := o.infos(ctx)
	if err != nil {
		return nil, err
	}
	behind, err := o.waits(ctx, after)
	if err != nil {
		return nil, err
	}
	f.groups(services(), after, behind, redisCLI(servers[0]))
	old, err := stuck(ctx, o, after)
	if err != nil {
		return nil, err
	}
	f.work(before, after, old)
	for _, stream := range streams() {
		latest, err := o.bus.Latest(ctx, stream, latestLooked)
		if err != nil {
			return nil, err
		}
		f.writers(stream, latest)
	}
	f.gather("clocks")
	if err := f.letters(ctx, o); err != nil {
		return nil, err
	}
	if err := query.Readable(ctx, o.bus); bus.Unavailable(err) && !bus.Answered(err) {
		return nil, err
	} else {
		f.feed(err)
	}
	return f, nil
}

// gather brings together what was found about one thing at different times, and
// leaves out that it is well where something is not.
func (f *findings) gather(about string) {
	first := slices.IndexFunc(*f, func(one finding) bool { return one.About == about })
	if first < 0 {
		return
	}
	var found, others []finding
	for _, one := range *f {
		if one.About == about {
			found = append(found, one)
		} else {
			others = append(others, one)
		}
	}
	if bad := slices.DeleteFunc(slices.Clone(found), func(one finding) bool { return one.Level == fine }); len(bad) > 0 {
		found = bad
	}
	*f = slices.Concat(others[:first], found, others[first:])
}

// feed judges whether the first page of the feed can be read.
func (f *findings) feed(err error) {
	const about = "feed"
	switch {
	case err == nil:
		f.add(fine, about, "its first page can be read", "")
	case bus.Refused(err):
		f.add(note, about, "this user may not read it", "")
	default:
		f.add(wrong, about, "its first page cannot be read: "+err.Error(),
			"newsfeed verify says what else is damaged; newsfeed rebuild makes the view anew")
	}
}

// infos returns how the streams stand that consumer groups read.
func (o *operator) infos(ctx context.Context) ([]bus.StreamInfo, error) {
	names := streams()
	for _, name := range services() {
		names = append(names, bus.RedriveStream(name))
	}
	infos, err := o.bus.Streams(ctx, names...)
	if err != nil {
		return nil, err
	}
	redriven := slices.DeleteFunc(infos[len(streams()):], func(s bus.StreamInfo) bool { return s.Length == 0 })
	return infos[:len(streams())+len(redriven)], nil
}

// awayAdvice says what to do about a Redis that does not answer.
func awayAdvice(err error) string {
	const url = ": REDIS_URL=redis://operator:<password>@<host>:<port>"
	for _, one := range [][2]string{
		{"WRONGPASS", "the user or the password is wrong" + url},
		{"NOAUTH", "it wants a user and a password" + url},
		{"NOPERM", "use a user that may look at everything" + url},
		{"LOADING", "it reads its file: wait until it has"},
	} {
		if strings.Contains(err.Error(), one[0]) {
			return one[1]
		}
	}
	return "start it, or say where it is with --redis-url, REDIS_URL or --port-offset"
}

// report writes the findings, and is a [wrongError] if anything is wrong.
func (f findings) report(o *operator) error {
	counts := map[level]int{}
	for _, one := range f {
		counts[one.Level]++
	}
	if o.json {
		if err := o.writeJSON(f); err != nil {
			return err
		}
	} else {
		var b strings.Builder
		for _, one := range f {
			one.write(&b, o.paint)
		}
		if counts[wrong] == 0 {
			b.WriteString("\nNothing is wrong.\n")
		}
		if _, err := io.WriteString(o.out, b.String()); err != nil {
			return err
		}
	}
	switch n := counts[wrong]; n {
	case 0:
		return nil
	case 1:
		return wrongError{errors.New("1 thing is wrong")}
	default:
		return wrongError{fmt.Errorf("%d things are wrong", n)}
	}
}

func (f finding) write(b *strings.Builder, p paint) {
	mark := map[level]string{
		fine: p.in(colourGreen, "ok   "), note: p.in(colourYellow, "note "), wrong: p.in(colourRed, "WRONG"),
	}[f.Level]
	fmt.Fprintf(b, "%s  %-13s %s\n", mark, f.About, visible(f.Says, 500))
	indent := strings.Repeat(" ", len("WRONG  ")+14)
	for i, line := range strings.Split(f.Do, "\n") {
		switch {
		case f.Do == "":
		case i == 0:
			fmt.Fprintf(b, "%s→ %s\n", indent, line)
		default:
			fmt.Fprintf(b, "%s  %s\n", indent, line)
		}
	}
}
